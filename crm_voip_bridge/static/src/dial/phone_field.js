import { registry } from "@web/core/registry";
import { charField } from "@web/views/fields/char/char_field";
import { phoneField } from "@web/views/fields/phone/phone_field";
import { session } from "@web/session";

/**
 * A telephone number in a list: a link for who can dial it by a click, for all others the plain text that core
 * shows there, so that a click on it opens the record as ever.
 */
registry.category("fields").add("crm_voip_phone", session.crm_voip?.dial ? phoneField : charField);
