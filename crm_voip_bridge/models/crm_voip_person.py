"""Who a person is to us: the records, numbers and calls that are about one human being."""

from dataclasses import dataclass

import phonenumbers

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Domain


@dataclass(frozen=True)
class Person:
    """A customer, or a colleague, with all that we know them by.

    :param partners: contacts
    :param leads: leads and opportunities
    :param users: a colleague's login
    :param numbers: in E.164
    :param pbxs: those whose calls are meant; all records are in superuser mode
    """

    partners: models.BaseModel
    leads: models.BaseModel
    users: models.BaseModel
    numbers: frozenset
    pbxs: models.BaseModel

    @property
    def digits(self):
        """How each number shows in whatever way a PBX writes it: its digits without country code and prefixes."""
        return sorted({_digits(number) for number in self.numbers})

    @property
    def patterns(self):
        """The digits as patterns of LIKE."""
        return [f"%{digits}%" for digits in self.digits]


def _digits(number):
    try:
        national = str(phonenumbers.parse(number).national_number)
    except phonenumbers.NumberParseException:
        national = ""
    # a short one would be found in half of all texts
    return national if len(national) > 5 else number.lstrip("+")


class CrmVoipPerson(models.AbstractModel):
    """What is held of one person, to be told (:mod:`crm_voip_person_tell`) or erased (:mod:`crm_voip_person_erase`).

    Another addon that keeps something of people in tables of its own extends :meth:`_erase` and :meth:`_tell`.
    """

    _name = "crm.voip.person"
    _description = "A person in calls"

    @api.model
    def _of(self, record):
        """The person that a contact, a lead or a user is.

        :param record: one ``res.partner``, ``crm.lead`` or ``res.users``
        :return: :class:`Person`, of the PBXs of the companies that the present user works for
        :raise AccessError: neither an administrator of calls, nor oneself
        """
        record.ensure_one()
        oneself = record == self.env.user
        if not (self.env.su or oneself or self.env.user.has_group("crm_voip_bridge.group_manager")):
            raise AccessError(self.env._("What is held about a person is given out by administrators of calls."))
        if not oneself:
            record.check_access("read")
            # Odoo shows users of all companies to everybody
            if record._name == "res.users" and not (self.env.su or record.sudo().company_ids & self.env.companies):
                raise AccessError(self.env._("A person of another company: its administrator of calls can help."))
        # sudo: all that is held of a person, also in tables that nobody reads
        env = self.sudo().env
        partners, leads, users = env["res.partner"], env["crm.lead"], env["res.users"]
        if record._name == "crm.lead":
            leads |= record.sudo()
        else:
            users |= record.sudo() if record._name == "res.users" else users
            partners |= record.sudo().partner_id if users else record.sudo()
            leads |= leads.with_context(active_test=False).search([("partner_id", "in", partners.ids)])
        numbers = (partners.crm_voip_number_ids | leads.crm_voip_number_ids).mapped("e164")
        pbxs = env["crm.voip.pbx"].with_context(active_test=False)
        return Person(
            partners,
            leads,
            users,
            frozenset(numbers),
            pbxs.search([("company_id", "in", self.env.user.company_ids.ids)]),
        )

    @api.model
    def _calls_with(self, person):
        """:return: the calls in which the person was the other side"""
        known = Domain("partner_id", "in", person.partners.ids) | Domain("lead_id", "in", person.leads.ids)
        domain = known | Domain("outside_e164", "in", sorted(person.numbers))
        return self.env["crm.voip.call"].sudo().search(Domain("pbx_id", "in", person.pbxs.ids) & domain)

    @api.model
    def _calls_of(self, person):
        """:return: the calls that rang a colleague, or that they took or made"""
        if not person.users:
            return self.env["crm.voip.call"].sudo()
        mine = Domain("user_id", "in", person.users.ids)
        domain = mine | Domain("leg_ids", "any", mine)
        return self.env["crm.voip.call"].sudo().search(Domain("pbx_id", "in", person.pbxs.ids) & domain)

    @api.model
    def _download(self, record):
        """:return: the action that downloads what is held of a person"""
        return {
            "type": "ir.actions.act_url",
            "url": f"/crm_voip_bridge/person/{record._name}/{record.id}.zip",
            "target": "download",
        }
