import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { FormController } from "@web/views/form/form_controller";
import { formView } from "@web/views/form/form_view";

/** "Next" shows the next callback in place, so that a day's work leaves one line in the breadcrumbs. */
export class CrmVoipCallbackFormController extends FormController {
    setup() {
        super.setup();
        this.notification = useService("notification");
    }

    async beforeExecuteActionButton(clickParams) {
        if (clickParams.name === "action_next") {
            await this.showNext();
            return false;
        }
        return super.beforeExecuteActionButton(clickParams);
    }

    async showNext() {
        const { resModel, resId, resIds } = this.model.root;
        const next = await this.orm.call(resModel, "next_open", [[resId]]);
        if (!next) {
            this.notification.add(_t("That was the last one: nobody else waits for you."), {
                type: "success",
            });
            await this.model.load();
            return;
        }
        await this.model.load({
            resId: next,
            resIds: resIds.includes(next) ? resIds : [...resIds, next],
        });
    }
}

registry.category("views").add("crm_voip_callback_form", {
    ...formView,
    Controller: CrmVoipCallbackFormController,
});
