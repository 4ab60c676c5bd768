from . import (
    crm_support_policy,
    crm_support_agreement,
    crm_support_meter,
    crm_support_reason,
    crm_support_topic,
    crm_support_rule,
    crm_support_request,
    crm_support_contact,
    crm_support_entry,
    res_company,
    res_config_settings,
)
