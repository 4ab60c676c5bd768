from . import crm_support_next, crm_support_say
