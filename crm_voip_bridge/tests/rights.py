"""What each sort of person can really do to each sort of record, against a table."""

from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tools import mute_logger

#: read, group, export, write, create, delete
LETTERS = "rgxwcd"


class RightsTable:
    """For test cases with ``people`` (sort → user), ``records`` (row of the table → record) and ``values(model)``."""

    def assertTable(self, table):
        """:param table: row → letters for each of ``people``; "-" is nothing"""
        self.assertEqual(self.records.keys(), table.keys())
        for name, row in table.items():
            for (sort, user), letters in zip(self.people.items(), row.split(), strict=True):
                with self.subTest(record=name, person=sort):
                    self.assertEqual(self.deeds(self.records[name], user) or "-", letters, f"{sort} on {name}")

    def deeds(self, record, user):
        """The letters of what a person can really do to a record."""
        record.ensure_one()
        self.env.invalidate_all()
        mine = record.with_user(user).with_context(allowed_company_ids=user.company_ids.ids, tracking_disable=True)
        domain = self.domain_of(record)
        works = {
            "r": lambda: mine.search(domain) and mine.read(),
            "g": lambda: mine.formatted_read_group(domain, self.groups_of(record), ["__count"])[0]["__count"],
            "x": lambda: self.exported(mine),
            "w": lambda: mine.write({}),
            "c": lambda: mine.create(self.values(record._name)),
            "d": mine.unlink,
        }
        return "".join(letter for letter in LETTERS if self.does(works[letter]))

    def domain_of(self, record):
        """What finds the record alone."""
        return [("id", "=", record.id)]

    def groups_of(self, record):
        """By what it is grouped: a field of any."""
        raise NotImplementedError

    def exported(self, mine):
        return mine.export_data([".id", "display_name"])["datas"]

    def does(self, work):
        """Whether something can be done; it is taken back."""

        class TakenBack(Exception):
            pass

        done = False
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                done = bool(work())
                self.env.flush_all()
                raise TakenBack
        except TakenBack:
            return done
        except ValidationError:
            raise
        except (UserError, IndexError, IntegrityError):
            return False
        finally:
            self.env.invalidate_all()
