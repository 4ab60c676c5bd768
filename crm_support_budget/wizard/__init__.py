from . import base_partner_merge, crm_support_board, crm_support_live, crm_support_next, crm_support_say
