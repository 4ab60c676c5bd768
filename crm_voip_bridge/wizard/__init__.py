from . import (
    base_partner_merge,
    crm_voip_call_pick,
    crm_voip_callback_drop,
    crm_voip_move_in,
    crm_voip_recording_delete,
)
