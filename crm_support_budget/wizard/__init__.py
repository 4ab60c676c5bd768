from . import crm_support_next
