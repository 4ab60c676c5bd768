from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

#: what of an entry must be as its contact says
COMPARED = (
    "company_id",
    "contact_id",
    "user_id",
    "at",
    "minutes",
    "contacts",
    "measured_minutes",
    "measured_contacts",
    "estimated",
    "reason_id",
    "request_id",
    "counted",
)


class CrmSupportEntry(models.Model):
    """The ledger of help: only appended to. A correction is an entry that takes another one back."""

    _name = "crm.support.entry"
    _inherit = ["crm.voip.own"]
    _description = "Support entry"
    _order = "at desc, id desc"
    # who caused it is its author, and the rule about persons does not know those columns
    _log_access = False

    _people_fields = ("user_id", "author_id")
    _people_user = "user_id"
    _people_time = "at"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    partner_id = fields.Many2one("res.partner", "Customer", required=True, readonly=True, ondelete="restrict")
    contact_id = fields.Many2one("res.partner", readonly=True, index="btree_not_null", ondelete="restrict")
    support_contact_id = fields.Many2one(
        "crm.support.contact", "What it is for", required=True, readonly=True, index=True, ondelete="restrict"
    )
    turn = fields.Integer(required=True, readonly=True, help="Which entry of its contact it is.")
    user_id = fields.Many2one(
        "res.users", "Technician", groups="base.group_user", readonly=True, index="btree_not_null", ondelete="set null"
    )
    at = fields.Datetime("When", required=True, readonly=True, help="Of the contact; a reversal has that of its entry.")
    entered_at = fields.Datetime("Entered", required=True, readonly=True, default=fields.Datetime.now)
    minutes = fields.Float("Minutes counted", readonly=True, help="Negative where an entry is taken back.")
    contacts = fields.Float("Contacts counted", readonly=True, help="Negative where an entry is taken back.")
    measured_minutes = fields.Float("Measured (min)", readonly=True, help="Before it was decided what counts.")
    measured_contacts = fields.Float("Measured (contacts)", readonly=True, help="Before it was decided what counts.")
    estimated = fields.Boolean(readonly=True, help="The minutes are the policy's estimate for a message: never billed.")
    source = fields.Selection(related="support_contact_id.source", store=True)
    call_id = fields.Many2one(related="support_contact_id.call_id")
    reason_id = fields.Many2one("crm.support.reason", readonly=True, index="btree_not_null", ondelete="restrict")
    request_id = fields.Many2one("crm.support.request", readonly=True, index="btree_not_null", ondelete="set null")
    topic_id = fields.Many2one(related="request_id.topic_id", store=True, index="btree_not_null")
    counted = fields.Boolean(readonly=True)
    conditions = fields.Json(readonly=True, help="Each condition that decided, in their order.")
    explanation = fields.Char(compute="_compute_explanation", help="Why it counts, or does not.")
    reverses_id = fields.Many2one("crm.support.entry", "Takes back", readonly=True, ondelete="restrict")
    reversed = fields.Boolean("Taken back", compute="_compute_reversed", help="A later entry takes it back.")
    author_id = fields.Many2one(
        "res.users",
        "Entered by",
        groups="base.group_user",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty: by itself.",
    )
    why = fields.Char(readonly=True)

    _turn_unique = models.UniqueIndex("(support_contact_id, turn)")
    _reverses_unique = models.UniqueIndex("(reverses_id) WHERE reverses_id IS NOT NULL")
    # what a reading of a meter needs, without reading the entries themselves
    _customer_idx = models.Index(
        "(partner_id, company_id, at) INCLUDE (minutes, contacts, measured_minutes, measured_contacts)"
    )
    _at_idx = models.Index("(company_id, at)")

    @api.depends("partner_id", "at")
    def _compute_display_name(self):
        for entry in self:
            # sudo: whoever reads it reads whose it is
            entry.display_name = entry.sudo().partner_id.name

    def _compute_reversed(self):
        found = self.search([("reverses_id", "in", self.ids)]).reverses_id
        for entry in self:
            entry.reversed = entry in found

    @api.depends("conditions", "why", "reverses_id")
    @api.depends_context("lang")
    def _compute_explanation(self):
        reasons, rules = self._named("crm.support.reason"), self._named("crm.support.rule")
        labels = dict(self._fields["source"]._description_selection(self.env))
        for entry in self:
            entry.explanation = entry._words(reasons, rules, labels)

    def _named(self, model):
        """:return: names of what conditions speak of, in the reader's language"""
        kinds = {"crm.support.rule": ("rule",)}.get(model, ("exempt", "free", "full", "part"))
        ids = {args["id"] for entry in self for key, args in entry.conditions or () if key in kinds}
        # sudo: why something counts is read by whoever reads the entry, the customer, too
        return {one.id: one.name for one in self.env[model].sudo().browse(ids).exists()}

    def _words(self, reasons, rules, labels):
        if self.reverses_id:
            return (
                self.env._("Taken back: %s", self.why) if self.why else self.env._("Taken back: it was entered anew.")
            )
        said = []
        for key, args in self.conditions or ():
            reason = reasons.get(args.get("id"), args.get("name"))
            match key:
                case "source":
                    said.append(labels.get(args["source"], args["source"]))
                case "rule":
                    said.append(self.env._("support by the rule “%s”", rules.get(args["id"], args["name"])))
                case "estimated":
                    said.append(self.env._("%g min are an estimate for a message", args["minutes"]))
                case "covered":
                    said.append(self.env._("%g min of it were counted with a call or a chat", args["minutes"]))
                case "no_reason":
                    said.append(self.env._("no reason given, so it counts"))
                case "full":
                    said.append(self.env._("“%s” counts", reason))
                case "part":
                    said.append(
                        self.env._("“%(reason)s” counts %(factor)g times", reason=reason, factor=args["factor"])
                    )
                case "free":
                    said.append(self.env._("“%s” does not count", reason))
                case "exempt":
                    said.append(self.env._("“%s” never counts", reason))
                case "waived":
                    said.append(self.env._("taken back: %s", args["why"]))
        return " · ".join(said)

    # --- appending ---

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise UserError(
                self.env._("The ledger is written by what happened: enter help by hand, or take an entry back.")
            )
        return super().create(vals_list)

    def write(self, vals):
        if vals:
            raise UserError(self.env._("The ledger is only appended to: take the entry back instead."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("The ledger is only appended to: take the entry back instead."))

    @api.model
    def _append(self, vals_list):
        """Append to the ledger; meters and counters follow.

        :return: the entries
        """
        if not vals_list:
            return self.browse()
        contacts = sorted({vals["support_contact_id"] for vals in vals_list})
        turns = dict(
            self.env.execute_query(
                SQL(
                    """SELECT support_contact_id, max(turn) FROM crm_support_entry
                        WHERE support_contact_id = ANY(%s) GROUP BY 1""",
                    contacts,
                )
            )
        )
        for vals in vals_list:
            turns[vals["support_contact_id"]] = vals["turn"] = turns.get(vals["support_contact_id"], 0) + 1
        entries = self.create(vals_list)
        entries.flush_recordset()
        self.env["crm.support.meter"]._entered(entries)
        self.env["crm.support.counter"]._charge(entries)
        return entries

    @api.model
    def _standing(self, contacts):
        """:return: ``{contact id: the entry that stands}``"""
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """SELECT entry.support_contact_id, entry.id FROM crm_support_entry AS entry
                    WHERE entry.support_contact_id = ANY(%s) AND entry.reverses_id IS NULL
                      AND NOT EXISTS (SELECT FROM crm_support_entry AS later WHERE later.reverses_id = entry.id)""",
                contacts.ids,
            )
        )
        return {contact: self.browse(ident) for contact, ident in rows}

    def _differs(self, vals):
        """:return: whether the entry says something else"""
        return any(self._fields[name].convert_to_write(self[name], self) != vals[name] for name in COMPARED) or [
            key for key, _args in self.conditions or ()
        ] != [key for key, _args in vals["conditions"]]

    def _prepare_reversal_vals(self, why=None):
        """:return: values of the entry that takes this one back; at the same moment, so that it was never used"""
        self.ensure_one()
        return {
            **{
                name: self[name].id
                for name in (
                    "company_id",
                    "partner_id",
                    "contact_id",
                    "support_contact_id",
                    "user_id",
                    "reason_id",
                    "request_id",
                )
            },
            **{name: -self[name] for name in ("minutes", "contacts", "measured_minutes", "measured_contacts")},
            "at": self.at,
            "estimated": self.estimated,
            "counted": self.counted,
            "conditions": self.conditions,
            "reverses_id": self.id,
            "author_id": self.env.uid if why else False,
            "why": why,
        }
