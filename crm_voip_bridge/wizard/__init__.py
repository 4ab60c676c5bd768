from . import base_partner_merge, crm_voip_call_pick
