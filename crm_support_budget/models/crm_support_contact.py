from odoo import api, fields, models
from odoo.addons.crm_voip_bridge.models.measured import Measured
from odoo.exceptions import UserError

from ..lib import terms


class CrmSupportContact(models.Model):
    """One time that we helped a customer: a call, a message, a chat, a line of a timesheet, or by hand.

    It says what was measured, and what people said about it (reason, request). What it costs the customer is in the
    ledger (``crm.support.entry``), and follows from it (:meth:`_settle`).
    """

    _name = "crm.support.contact"
    _inherit = ["crm.voip.own"]
    _description = "Support contact"
    _order = "at desc, id desc"

    _people_fields = ("user_id", "said_by_id", "waived_by_id", "create_uid", "write_uid")
    _people_user = "user_id"
    _people_time = "at"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    source = fields.Selection(
        [
            ("call", "Call"),
            ("message", "Message"),
            ("chat", "Live chat"),
            ("timesheet", "Timesheet"),
            ("hand", "By hand"),
        ],
        required=True,
        readonly=True,
    )
    res_model = fields.Char(readonly=True)
    res_id = fields.Many2oneReference(model_field="res_model", readonly=True)
    call_id = fields.Many2one("crm.voip.call", readonly=True, index="btree_not_null", ondelete="set null")
    contact_id = fields.Many2one("res.partner", readonly=True, index=True, ondelete="restrict")
    partner_id = fields.Many2one("res.partner", "Customer", readonly=True, index="btree_not_null", ondelete="restrict")
    user_id = fields.Many2one("res.users", "Technician", readonly=True, index="btree_not_null", ondelete="set null")
    at = fields.Datetime("When", required=True, readonly=True)
    minutes = Measured(readonly=True, help="Talked, or worked. Empty: not measured.", aggregator="sum")
    is_support = fields.Boolean("Support", readonly=True, default=True)
    rule_id = fields.Many2one(
        "crm.support.rule", "Decided by", readonly=True, index="btree_not_null", ondelete="set null"
    )
    request_id = fields.Many2one("crm.support.request", index="btree_not_null", ondelete="set null")
    reason_id = fields.Many2one("crm.support.reason", index="btree_not_null", ondelete="restrict")
    said_by_id = fields.Many2one(
        "res.users", "Reason given by", readonly=True, index="btree_not_null", ondelete="set null"
    )
    waived_by_id = fields.Many2one(
        "res.users", "Taken back by", readonly=True, index="btree_not_null", ondelete="set null"
    )
    waived_why = fields.Char("Taken back because", readonly=True)
    note = fields.Char(readonly=True, help="What was done, where no machine recorded it.")
    topic_id = fields.Many2one(related="request_id.topic_id")
    entry_ids = fields.One2many("crm.support.entry", "support_contact_id", "Entries")

    _source_unique = models.UniqueIndex("(res_model, res_id) WHERE res_id IS NOT NULL")
    _customer_idx = models.Index("(partner_id, company_id, at)")
    _at_idx = models.Index("(company_id, at)")

    @api.depends("source", "partner_id", "at")
    @api.depends_context("lang")
    def _compute_display_name(self):
        labels = dict(self._fields["source"]._description_selection(self.env))
        for one in self:
            # sudo: whoever reads it reads whose it is
            one.display_name = " · ".join(filter(None, [labels.get(one.source), one.sudo().partner_id.name]))

    @api.model_create_multi
    def create(self, vals_list):
        contacts = super().create(vals_list)
        # a contact is about what the customer waits for, if that is one thing
        free = contacts.filtered(lambda one: one.partner_id and not one.request_id)
        for company, some in free.grouped("company_id").items():
            # sudo: contacts are made by what was measured, whoever caused it
            open_ = self.env["crm.support.request"].sudo()._open_of(some.partner_id, company).grouped("partner_id")
            for one in some:
                requests = open_.get(one.partner_id, ())
                if len(requests) == 1 and requests.waiting_since <= one.at:
                    one.request_id = requests
        return contacts

    # --- what people say ---

    def _say(self, reason=None, request=None):
        """Somebody says what contacts were about, and the ledger follows.

        :param reason: ``crm.support.reason``, None leaves it
        :param request: ``crm.support.request``, None leaves it
        """
        self.check_access("read")
        if not self.env.user.has_group("crm_support_budget.group_technician"):
            raise UserError(self.env._("What a contact was about is said by those who help customers."))
        vals = {}
        if reason is not None:
            vals |= {"reason_id": reason.id, "said_by_id": self.env.uid}
        if request is not None:
            vals["request_id"] = request.id
        # sudo: contacts are written by what was measured; what a person may add is decided above
        self.sudo().write(vals)
        self.sudo()._settle()

    def _waive(self, why):
        """A supervisor takes back what contacts cost their customers.

        :param why: in words, for the customer to read
        """
        self.check_access("read")
        if not self.env.user.has_group("crm_support_budget.group_supervisor"):
            raise UserError(self.env._("Entries are taken back by a supervisor."))
        if not (why or "").strip():
            raise UserError(self.env._("Say why it is taken back: the customer reads it."))
        # sudo: see _say
        self.sudo().write({"waived_by_id": self.env.uid, "waived_why": why.strip()})
        self.sudo()._settle(why.strip())

    @api.model
    def _by_hand(self, contact, minutes, note, at=None, reason=None, request=None, company=None):
        """Somebody enters help that no machine recorded.

        :param contact: ``res.partner``
        :param minutes: more than 0
        :param note: what was done
        :return: the contact
        """
        if not self.env.user.has_group("crm_support_budget.group_technician"):
            raise UserError(self.env._("Help is entered by those who help customers."))
        if not 0 < minutes <= 24 * 60:
            raise UserError(self.env._("Between a minute and a day: %s minutes are not.", minutes))
        if not (note or "").strip():
            raise UserError(self.env._("Say what was done: the customer reads it."))
        # sudo: see _say
        made = self.sudo().create(
            {
                "company_id": (company or self.env.company).id,
                "source": "hand",
                "contact_id": contact.id,
                "partner_id": contact.commercial_partner_id.id,
                "user_id": self.env.uid,
                "at": at or fields.Datetime.now(),
                "minutes": minutes,
                "note": note.strip(),
                "reason_id": reason and reason.id,
                "said_by_id": reason and self.env.uid,
                "request_id": request and request.id,
            }
        )
        made._settle()
        return made.with_env(self.env)

    def _proposed_reason(self):
        """:return: the reason that was last given for the same topic of the same customer, else for the customer"""
        self.ensure_one()
        # sudo: what a colleague said of this customer is what is proposed, not who it was
        return self.sudo()._last_reason(self.partner_id, self.company_id, self.request_id.topic_id)

    @api.model
    def _last_reason(self, customer, company, topic=None):
        """:return: the reason that was last given for a topic of a customer, else for the customer"""
        domain = [("partner_id", "=", customer.id), ("company_id", "=", company.id), ("reason_id", "!=", False)]
        same = topic and self.search([*domain, ("request_id.topic_id", "=", topic.id)], limit=1)
        return (same or self.search(domain, limit=1)).reason_id

    # --- what was measured ---

    @api.model
    def _take(self, source, ids, **known_of_them):
        """Bring the contacts of some records up to what these say now, and the ledger with them.

        :param source: ``call``, ``message``, ``chat``, ``timesheet``
        :param ids: of the records
        :param known_of_them: what need not be looked for again, see the method of the source
        :return: the contacts that are new or changed
        """
        # sudo: contacts follow from what machines recorded, whoever caused it
        Contact = self.sudo()
        model, wanted = getattr(Contact, f"_prepare_{source}_vals")(ids, **known_of_them)
        found = Contact.search_fetch([("res_model", "=", model), ("res_id", "in", list(ids))])
        known = {one.res_id: one for one in found}
        changed = Contact.browse()
        for ident, one in known.items():
            vals = wanted.get(ident) or {"is_support": False}
            differing = {
                name: value
                for name, value in vals.items()
                if self._fields[name].convert_to_write(one[name], one) != value
            }
            if differing:
                one.write(differing)
                changed |= one
        changed |= Contact.create(
            [
                {"res_model": model, "res_id": ident, "source": source, **vals}
                for ident, vals in sorted(wanted.items())
                if ident not in known and vals["is_support"]
            ]
        )
        changed._settle()
        return changed

    # --- the ledger ---

    def _settle(self, why=None):
        """Append to the ledger what brings it to what these contacts say. What stands already is left alone.

        :param why: of a correction, in words
        """
        contacts = self._with_neighbours()
        Entry = self.env["crm.support.entry"]
        standing = Entry._standing(contacts)
        wanted = contacts._wanted()
        reversals, fresh = [], []
        for contact in contacts:
            entry, vals = standing.get(contact.id, Entry.browse()), wanted.get(contact.id)
            if entry and vals and not entry._differs(vals):
                continue
            if entry:
                reversals.append(entry._prepare_reversal_vals(why))
            if vals:
                fresh.append(vals)
        Entry._append(reversals + fresh)
        self.request_id._helped()

    def _wanted(self):
        """:return: ``{contact id: values of the entry that is to stand}``"""
        policies, covered = self._policies(), self._covered()
        return {
            one.id: one._prepare_entry_vals(policies.get(one.id) or {}, covered.get(one.id, 0.0))
            for one in self
            if one.is_support and one.partner_id
        }

    def _policies(self):
        """:return: ``{contact id: what held for its customer at its moment}``, of messages only"""
        found = {}
        for company, some in self.filtered(lambda one: one.source == "message").grouped("company_id").items():
            timelines = self.env["crm.support.terms"]._timelines(some.partner_id.ids, company)
            for one in some:
                found[one.id] = terms.held_at(timelines[one.partner_id.id], one.at)
        return found

    def _prepare_entry_vals(self, policy, covered=0.0):
        """What the ledger is to say of this contact.

        :param policy: what held for the customer then
        :param covered: minutes of it that were counted with a call already
        """
        self.ensure_one()
        measured, estimated = self.minutes, False
        # a line of a timesheet is work, and nobody called
        times = 0.0 if self.source == "timesheet" else 1.0
        conditions = [["source", {"source": self.source}]]
        if self.rule_id:
            conditions.append(["rule", {"id": self.rule_id.id, "name": self.rule_id.name}])
        if self.source == "message" and policy.get("message_minutes"):
            measured, estimated = policy["message_minutes"], True
            conditions.append(["estimated", {"minutes": measured}])
        if covered:
            measured = max((measured or 0.0) - covered, 0.0)
            conditions.append(["covered", {"minutes": round(covered, 2)}])
        reason = (
            self.request_id.reason_id
            if self.request_id.reason_id.exempt
            else self.reason_id or self.request_id.reason_id
        )
        factor = 0.0 if reason.exempt else reason.factor if reason else 1.0
        if reason:
            how = "exempt" if reason.exempt else "free" if not factor else "full" if factor == 1 else "part"
            conditions.append([how, {"id": reason.id, "name": reason.name, "factor": factor}])
        else:
            conditions.append(["no_reason", {}])
        if self.waived_by_id or self.waived_why:
            factor = 0.0
            conditions.append(["waived", {"why": self.waived_why}])
        return {
            "company_id": self.company_id.id,
            "partner_id": self.partner_id.id,
            "contact_id": self.contact_id.id,
            "support_contact_id": self.id,
            "user_id": self.user_id.id,
            "at": self.at,
            "minutes": (measured or 0.0) * factor,
            "contacts": times * factor,
            "measured_minutes": measured or 0.0,
            "measured_contacts": times,
            "estimated": estimated,
            "reason_id": reason.id,
            "request_id": self.request_id.id,
            "counted": bool(factor),
            "conditions": conditions,
        }
