from . import (
    base_partner_merge,
    crm_voip_anonymise,
    crm_voip_call_pick,
    crm_voip_callback_drop,
    crm_voip_move_in,
    crm_voip_pbx_secret_new,
    crm_voip_recording_delete,
)
from . import crm_voip_import
