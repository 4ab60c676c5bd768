from datetime import datetime, timedelta, timezone

from odoo.addons.crm_voip_bridge.lib.events import Event
from odoo.addons.crm_voip_bridge.models.crm_voip_number import Query
from odoo.tests import TransactionCase

AMSTERDAM = "+31201234567"
MOBILE = "+31612345678"


class NumberCase(TransactionCase):
    """A Dutch company, its contacts and its leads."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, mail_create_nolog=True))
        cls.nl = cls.env.ref("base.nl")
        cls.id = cls.env.ref("base.id")
        cls.env.company.country_id = cls.nl
        cls.acme = cls.contact(name="Acme", is_company=True)
        cls.globex = cls.contact(name="Globex", is_company=True)
        cls.number_index = cls.env["crm.voip.number"]
        cls.pbx = cls.env["crm.voip.pbx"].create({"name": "PBX", "country_id": cls.nl.id})
        cls.env["crm.voip.number.intake"].search([]).unlink()

    @classmethod
    def contact(cls, **vals):
        return cls.env["res.partner"].create({"name": "Somebody", "country_id": cls.nl.id, **vals})

    @classmethod
    def lead(cls, **vals):
        return cls.env["crm.lead"].create({"name": "Something", "type": "opportunity", "user_id": False, **vals})

    @classmethod
    def numbers_of(cls, caller):
        cls.env.flush_all()
        return sorted(caller.sudo().crm_voip_number_ids.mapped("e164"))

    @classmethod
    def call(cls, e164=AMSTERDAM, **vals):
        """A call as the fold stores it, with entries of the journal, so that it can be folded again."""
        ref = f"1700000000.{cls.env['crm.voip.call'].search_count([]) + 1}"
        at = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)
        inbound = {"channel": "PJSIP/trunk-00000001", "number": e164, "dialled": "+31850000000", "context": "in"}
        events = [
            Event(f"t:{ref}:1", "started", ref, ref, at, "test", inbound),
            Event(f"t:{ref}:2", "ended", ref, ref, at + timedelta(seconds=9), "test", {"cause": 16}),
        ]
        cls.env["crm.voip.journal"]._take(cls.pbx, events)
        call = cls.env["crm.voip.call"]._fold(cls.pbx, [ref])
        if vals:
            call.write(vals)
        return call

    def match(self, e164, user_ids=(), company=None):
        query = Query(e164, (company or self.env.company).id, tuple(user_ids))
        return self.number_index._match([query])[0]
