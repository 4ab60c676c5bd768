from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from ..models.crm_voip_call import QUIET
from ..models.crm_voip_person import Person

MODELS = {"res.partner": "partner_id", "crm.lead": "lead_id", "res.users": "user_id"}


class CrmVoipAnonymise(models.TransientModel):
    """What is held of one person: give it out, or take out who it was."""

    _name = "crm.voip.anonymise"
    _description = "Call data of a person"

    partner_id = fields.Many2one("res.partner", "Contact")
    lead_id = fields.Many2one("crm.lead", "Opportunity")
    user_id = fields.Many2one("res.users", "Colleague")
    number_ids = fields.One2many("crm.voip.anonymise.number", "wizard_id", "Numbers")
    call_count = fields.Integer("Calls", compute="_compute_counts")
    open_count = fields.Integer("Still going on", compute="_compute_counts")
    empty_fields = fields.Boolean(
        "Remove the numbers from the contact, too",
        default=True,
        help="Else the contact keeps them, and its later calls are recognised again.",
    )

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        context = self.env.context
        model, ids = context.get("active_model"), context.get("active_ids") or []
        if model in MODELS and not any(values.get(name) for name in MODELS.values()):
            if len(ids) != 1:
                raise UserError(self.env._("Choose one person at a time."))
            values[MODELS[model]] = ids[0]
            numbers = self._prepare_numbers(self.env[model].browse(ids[0]))
            values["number_ids"] = [Command.create(vals) for vals in numbers]
        return values

    def _record(self):
        """:return: whom it is about"""
        record = self.user_id or self.lead_id or self.partner_id
        return record._origin or record

    @api.model
    def _prepare_numbers(self, record):
        """Values of the lines: a number that others have, too, is not chosen by itself."""
        Persons = self.env["crm.voip.person"]
        person = Persons._of(record)
        lines = []
        for number in sorted(person.numbers):
            # sudo: nobody reads the index; of the others only names are shown, to an administrator of calls
            rows = self.env["crm.voip.number"].sudo().search([("e164", "=", number)])
            others = (rows.partner_id - person.partners).mapped("display_name")
            others += (rows.lead_id - person.leads).mapped("display_name")
            lines.append({"number": number, "others": ", ".join(others[:5]), "chosen": not others})
        return lines

    def _person(self):
        """:return: :class:`Person`, with the numbers that are chosen"""
        person = self.env["crm.voip.person"]._of(self._record())
        chosen = frozenset(self.number_ids.filtered("chosen").mapped("number"))
        return Person(person.partners, person.leads, person.users, person.numbers & chosen, person.pbxs)

    @api.depends("partner_id", "lead_id", "user_id", "number_ids.chosen")
    def _compute_counts(self):
        Persons = self.env["crm.voip.person"]
        for wizard in self:
            wizard.call_count = wizard.open_count = 0
            if wizard._record():
                person = wizard._person()
                calls = Persons._calls_with(person) | Persons._calls_of(person)
                lasting = calls.filtered(lambda call: call.disposition == "in_progress")
                wizard.call_count, wizard.open_count = len(calls) - len(lasting), len(lasting)

    def action_export(self):
        """Download what is held."""
        self.ensure_one()
        return self.env["crm.voip.person"]._download(self._record())

    def action_anonymise(self):
        """Take out who it was, for good."""
        self.ensure_one()
        if not self.env.user.has_group("crm_voip_bridge.group_manager"):
            raise AccessError(self.env._("Only an administrator of calls anonymises people."))
        if self.empty_fields and not self.user_id:
            self._record().check_access("write")
        person = self._person()
        count = self.env["crm.voip.person"]._erase(person)
        if self.empty_fields and not self.user_id:
            for callers in (person.partners, person.leads):
                # without tracking, which would write the old number into the chatter; sudo, as _of says
                callers.with_context(**QUIET)._crm_voip_remove_numbers(person.numbers)
        # this one, and what others left behind, would hold the numbers for some time yet
        lines = self.env["crm.voip.anonymise.number"].sudo().search([("number", "in", sorted(person.numbers))])
        (lines.wizard_id | self.sudo()).unlink()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._("Anonymised calls: %s. The bridges are told; nothing brings them back.", count),
                # the form and its chatter show what was there before
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }


class CrmVoipAnonymiseNumber(models.TransientModel):
    """A number of the person, and whether it is to be forgotten."""

    _name = "crm.voip.anonymise.number"
    _description = "Number of a person"
    _order = "number, id"

    wizard_id = fields.Many2one("crm.voip.anonymise", required=True, ondelete="cascade")
    number = fields.Char()
    others = fields.Char("Who else has it")
    chosen = fields.Boolean("Forget", default=True)
