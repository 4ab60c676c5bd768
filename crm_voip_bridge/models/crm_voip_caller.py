"""Contacts and leads as those who call and are called."""

from odoo import api, fields, models

from ..lib import numbers


class CrmVoipCaller(models.AbstractModel):
    """Somebody with phone fields, whose numbers are in the index ``crm.voip.number``.

    A model that inherits this declares ``crm_voip_number_ids`` with its own column of the index. The field
    is computed and stored, though it has no column: thereby the ORM finds out when numbers change,
    also when the reason is another record (the employer's country) or a computed field.
    """

    _name = "crm.voip.caller"
    _description = "Caller"

    crm_voip_unmatched_count = fields.Integer(
        "Calls to Take",
        compute="_compute_crm_voip_unmatched_count",
        help="Calls of these numbers for which nobody was found when they came.",
    )

    crm_voip_call_count = fields.Integer("Calls", compute="_compute_crm_voip_call_count")

    # ------------------------------------------------------------
    # COMPUTES
    # ------------------------------------------------------------

    @api.depends(lambda self: self._crm_voip_number_triggers())
    def _compute_crm_voip_number_ids(self):
        callers = self.filtered("id")
        # a record that is not stored yet has no rows
        (self - callers).crm_voip_number_ids = False
        self.env["crm.voip.number"]._sync(callers)

    @api.depends_context("uid", "company")
    def _compute_crm_voip_unmatched_count(self):
        Call = self.env["crm.voip.call"]
        self.crm_voip_unmatched_count = 0
        if not Call.has_access("read"):
            return
        # sudo: the index is nobody's to read; the calls are counted with the user's own rights
        callers = {caller: set(caller.sudo().crm_voip_number_ids.mapped("e164")) for caller in self}
        domain = self._crm_voip_unmatched_domain(set().union(*callers.values()))
        counts = dict(Call._read_group(domain, ["outside_e164"], ["__count"]))
        for caller, own in callers.items():
            caller.crm_voip_unmatched_count = sum(counts.get(number, 0) for number in own)

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def unlink(self):
        # sudo: calls are nobody's to write; the customer of these is gone, and the calls stay in every total
        calls = self.env["crm.voip.call"].sudo().search([(self._crm_voip_call_link(), "in", self.ids)])
        result = super().unlink()
        calls.filtered(lambda call: not call.partner_id and not call.lead_id).match_state = "unknown"
        return result

    @api.depends_context("uid", "company")
    def _compute_crm_voip_call_count(self):
        Call = self.env["crm.voip.call"]
        self.crm_voip_call_count = 0
        if not Call.has_access("read"):
            return
        link = self._crm_voip_call_link()
        own = set(self.ids)
        for caller, count in Call._read_group(self._crm_voip_calls_domain(), [link], ["__count"]):
            for counted in caller._crm_voip_counts_for():
                if counted.id in own:
                    counted.crm_voip_call_count += count

    # ------------------------------------------------------------
    # CALLS
    # ------------------------------------------------------------

    @api.model
    def _crm_voip_call_link(self) -> str:
        """Name of the field of a call that holds such a caller."""
        return "lead_id" if self._name == "crm.lead" else "partner_id"

    def _crm_voip_calls_domain(self) -> list:
        """Which calls the button "Calls" of these callers is about."""
        return [(self._crm_voip_call_link(), "in", self.ids)]

    def _crm_voip_counts_for(self):
        """:return: the records on whose button a call with this one is counted"""
        return self

    def action_crm_voip_calls(self):
        """The calls with this caller, as far as the user may see them."""
        action = self.env["ir.actions.act_window"]._for_xml_id("crm_voip_bridge.crm_voip_call_action")
        return {**action, "domain": self._crm_voip_calls_domain()}

    # ------------------------------------------------------------
    # NUMBERS
    # ------------------------------------------------------------

    @api.model
    def _crm_voip_phone_fields(self) -> list[str]:
        """Names of the fields that hold numbers; extend it for fields of your own."""
        return [name for name in self._phone_get_number_fields() if name in self._fields]

    @api.model
    def _crm_voip_country_paths(self) -> list[str]:
        """Paths to the country of a national number, the first that has one decides."""
        return ["country_id"]

    @api.model
    def _crm_voip_number_triggers(self) -> list[str]:
        """What the numbers in the index depend on."""
        return [*self._crm_voip_phone_fields(), *self._crm_voip_country_paths(), "company_id"]

    def _crm_voip_numbers(self) -> dict[int, set[str]]:
        """The numbers in the phone fields.

        :return: ``{id: {"+31201234567", …}}``
        """
        names = self._crm_voip_phone_fields()
        # named fields only: a contact has a hundred, and a million contacts come by at installation
        self.fetch([*names, "company_id"])
        paths = [path.split(".") for path in self._crm_voip_country_paths()]
        for path in paths:
            records = self
            for name in path:
                records.fetch([name])
                records = records[name]
        defaults = {}
        found = {}
        for caller in self:
            found[caller.id] = set()
            texts = [text for name in names if (text := caller[name])]
            if not texts:
                continue
            country = caller._crm_voip_country_code(paths)
            if not country:
                company = caller.company_id
                if company not in defaults:
                    defaults[company] = self.env["crm.voip.number"]._default_country_code(company)
                country = defaults[company]
            for text in texts:
                found[caller.id].update(number.e164 for number in numbers.parse(text, country) if number.e164)
        return found

    def _crm_voip_remove_numbers(self, numbers_gone) -> None:
        """Empty the phone fields that say one of these numbers.

        :param numbers_gone: in E.164
        """
        paths = [path.split(".") for path in self._crm_voip_country_paths()]
        for caller in self:
            country = caller._crm_voip_country_code(paths)
            country = country or self.env["crm.voip.number"]._default_country_code(caller.company_id)
            gone = [
                name
                for name in self._crm_voip_phone_fields()
                if any(number.e164 in numbers_gone for number in numbers.parse(caller[name] or "", country))
            ]
            if gone:
                caller.write(dict.fromkeys(gone, False))

    def _crm_voip_country_code(self, paths: list[list[str]]) -> str:
        for path in paths:
            record = self
            for name in path:
                record = record[name]
            if record:
                return record.code
        return ""

    # ------------------------------------------------------------
    # CALLS THAT CAME EARLIER
    # ------------------------------------------------------------

    @api.model
    def _crm_voip_unmatched_domain(self, e164s) -> list:
        return [
            ("outside_e164", "in", list(e164s)),
            ("partner_id", "=", False),
            ("lead_id", "=", False),
            ("frozen", "=", False),
        ]

    def _unmatched_calls(self):
        """Earlier calls of this caller's numbers for which nobody was found, as far as the user may see them.

        :return: ``crm.voip.call`` records
        """
        self.ensure_one()
        # sudo: the index is nobody's to read; the calls are searched with the user's own rights
        e164s = self.sudo().crm_voip_number_ids.mapped("e164")
        return self.env["crm.voip.call"].search(self._crm_voip_unmatched_domain(e164s))

    def action_crm_voip_take_calls(self):
        """Say of the earlier unmatched calls of this caller's numbers that they were with it."""
        self.ensure_one()
        self.check_access("write")
        partner, lead = self._crm_voip_customer()
        calls = self._unmatched_calls()
        for call in calls:
            call._pick(partner, lead)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if calls else "info",
                "message": self.env._("Calls taken: %s", len(calls)),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _crm_voip_customer(self):
        """:return: ``(contact, lead)`` that a call of this caller was with, one of them empty perhaps"""
        raise NotImplementedError
