{
    "name": "CRM VoIP Bridge",
    "summary": "Calls of the telephone system in the CRM, without anybody typing",
    "version": "19.0.1.0.0",
    "category": "Sales/CRM",
    "author": "crm_voip_bridge contributors",
    "license": "LGPL-3",
    "depends": ["crm", "phone_validation"],
    "external_dependencies": {"python": ["phonenumbers"]},
    "data": [
        "security/crm_voip_bridge_groups.xml",
        "security/ir.model.access.csv",
        "security/crm_voip_bridge_rules.xml",
        "data/ir_cron_data.xml",
    ],
    "application": False,
}
