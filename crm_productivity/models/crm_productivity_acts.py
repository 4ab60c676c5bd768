from odoo import api, models
from odoo.tools import SQL


class CrmProductivityActs(models.AbstractModel):
    """What people did with each function, and who is entitled to it, in SQL.

    ``_acts_of_<code>(company, start, end)`` gives ``(user_id, at)`` for each thing done between two naive UTC moments.
    For a screen it is that it was opened.
    ``_entitled_<entitled>(company)`` gives ids of users.
    """

    _name = "crm.productivity.acts"
    _description = "What counts as use"

    @api.model
    def _acts(self, company, functions, start, end):
        """:return: SELECT of ``(function_id, user_id, at)``"""
        parts = [
            SQL(
                "SELECT %s AS function_id, act.* FROM (%s) AS act (user_id, at)",
                function.id,
                self._openings(company, start, end, function.screens)
                if function.screens
                else getattr(self, f"_acts_of_{function.code}")(company, start, end),
            )
            for function in functions
        ]
        nothing = SQL("SELECT NULL::integer AS function_id, NULL::integer, NULL::timestamp WHERE false")
        return SQL(" UNION ALL ").join([nothing, *parts])

    @api.model
    def _first(self, company, functions):
        """:return: ``{function id: moment of the first use}``"""
        self.env.flush_all()
        acts = self._acts(company, functions, "1970-01-01", "2200-01-01")
        return dict(
            self.env.execute_query(
                SQL("SELECT act.function_id, min(act.at) FROM (%s) AS act (function_id, user_id, at) GROUP BY 1", acts)
            )
        )

    # --- who is entitled ---

    @api.model
    def _entitled_phones(self, company):
        return SQL(
            """SELECT phone.user_id FROM crm_voip_extension phone JOIN crm_voip_pbx pbx ON pbx.id = phone.pbx_id
                WHERE phone.recorded AND phone.user_id IS NOT NULL AND pbx.company_id = %s""",
            company.id,
        )

    @api.model
    def _entitled_sellers(self, company):
        # sudo: groups are read by those who may not, for a count
        sellers = self.env.ref("sales_team.group_sale_salesman").sudo().all_user_ids
        return SQL("SELECT unnest(%s)", sellers.ids)

    @api.model
    def _entitled_leaders(self, company):
        return SQL(
            """SELECT user_id FROM crm_team
                WHERE active AND user_id IS NOT NULL AND (company_id = %s OR company_id IS NULL)""",
            company.id,
        )

    # --- what they did ---

    @api.model
    def _acts_of_call_card(self, company, start, end):
        """A record opened from the card, a note begun, the card closed by hand: not that it showed."""
        return SQL(
            """SELECT user_id, started_at FROM crm_voip_wrapup
                WHERE company_id = %s AND started_at >= %s AND started_at < %s AND rang_at IS NOT NULL
                  AND (opened_at IS NOT NULL OR noted_at IS NOT NULL OR done_how IN ('outcome', 'closed'))""",
            company.id,
            start,
            end,
        )

    @api.model
    def _acts_of_outcomes(self, company, start, end):
        return SQL(
            """SELECT user_id, outcome_at FROM crm_voip_wrapup
                WHERE company_id = %s AND outcome_at >= %s AND outcome_at < %s AND outcome_id IS NOT NULL""",
            company.id,
            start,
            end,
        )

    @api.model
    def _acts_of_call_notes(self, company, start, end):
        return SQL(
            """SELECT user_id, started_at FROM crm_voip_wrapup
                WHERE company_id = %s AND started_at >= %s AND started_at < %s AND note != ''""",
            company.id,
            start,
            end,
        )

    @api.model
    def _acts_of_click_to_call(self, company, start, end):
        return SQL(
            """SELECT user_id, created_at FROM crm_voip_command
                WHERE company_id = %s AND created_at >= %s AND created_at < %s AND kind = 'dial'
                  AND state IN ('accepted', 'done')""",
            company.id,
            start,
            end,
        )

    @api.model
    def _acts_of_callbacks(self, company, start, end):
        """Whoever reached them, or said that it is done or not needed."""
        return SQL(
            """SELECT done_by_id, done_at FROM crm_voip_callback
                WHERE company_id = %(company)s AND done_at >= %(start)s AND done_at < %(end)s
                  AND state = 'done' AND done_by_id IS NOT NULL
                UNION ALL
               SELECT user_id, at FROM crm_voip_callback_entry
                WHERE company_id = %(company)s AND at >= %(start)s AND at < %(end)s""",
            company=company.id,
            start=start,
            end=end,
        )

    @api.model
    def _acts_of_planned_calls(self, company, start, end):
        """Calls planned as activities; that they close by themselves needs nobody."""
        return SQL(
            """SELECT activity.create_uid, activity.create_date FROM mail_activity activity
                 JOIN mail_activity_type type ON type.id = activity.activity_type_id
                 JOIN res_users person ON person.id = activity.create_uid
                WHERE type.category = 'phonecall' AND person.company_id = %s
                  AND activity.create_date >= %s AND activity.create_date < %s""",
            company.id,
            start,
            end,
        )

    @api.model
    def _acts_of_typed_calls(self, company, start, end):
        return SQL(
            """SELECT user_id, started_at FROM crm_voip_typed_call
                WHERE company_id = %s AND started_at >= %s AND started_at < %s AND origin = 'typed'""",
            company.id,
            start,
            end,
        )

    @api.model
    def _acts_of_targets(self, company, start, end):
        return SQL(
            """SELECT write_uid, write_date FROM crm_productivity_target
                WHERE company_id = %s AND write_date >= %s AND write_date < %s""",
            company.id,
            start,
            end,
        )

    @api.model
    def _openings(self, company, start, end, screens):
        """Screens with figures that were opened, each once a day."""
        return SQL(
            """SELECT opened.user_id, opened.at FROM crm_productivity_opened opened
                WHERE opened.company_id = %s AND opened.at >= %s AND opened.at < %s AND opened.code = ANY(%s)""",
            company.id,
            start,
            end,
            screens.replace(" ", "").split(","),
        )
