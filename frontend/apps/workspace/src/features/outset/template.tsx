import type { ApprovedTemplate, Channel, OutgoingPart } from "@switchboard/protocol";
import { Bones } from "@switchboard/ui";
import { Alert, Button, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useListsTemplates, useTemplates } from "@/sync/channels";
import { filledPart, keyOf, type Values } from "./fill";
import css from "./outset.module.css";
import { TemplateChooser } from "./template-chooser";

/** A template as it is typed in: its values stand one to a line. */
interface TypedTemplate {
  name: string;
  language: string;
  values: string;
}

const nothing: TypedTemplate = { name: "", language: "", values: "" };

function typedPart({ name, language, values }: TypedTemplate): OutgoingPart | null {
  if (!name.trim() || language.trim().length < 2) return null;
  const variables = values.split("\n").map((line) => line.trim());
  while (variables.at(-1) === "") variables.pop();
  return { type: "template", name: name.trim(), language: language.trim(), variables };
}

/** A template chosen from the platform's list, or typed in where there is no list. */
export function useTemplateForm(channel: Channel | undefined, wanted: boolean) {
  const lists = useListsTemplates(channel?.kind);
  const list = useTemplates(channel?.id, wanted && lists);
  const [typed, setTyped] = useState(nothing);
  const [picked, setPicked] = useState<{ channel: string; template: ApprovedTemplate } | null>(null);
  const [values, setValues] = useState<Values>({});
  const [byHand, setByHand] = useState(false);
  const chosen = picked && picked.channel === channel?.id ? picked.template : null;
  const fromList = lists && !byHand && !list.error && list.data?.length !== 0;
  return {
    list,
    lists,
    fromList,
    byHand,
    setByHand,
    typed,
    setTyped,
    chosen,
    choose: (template: ApprovedTemplate) => {
      setPicked(channel ? { channel: channel.id, template } : null);
      setValues({});
    },
    values,
    setValue: (name: string, value: string) => setValues((now) => ({ ...now, [name]: value })),
    part: fromList ? chosen && filledPart(chosen, values) : typedPart(typed),
  };
}

export type TemplateForm = ReturnType<typeof useTemplateForm>;

export function TemplateFields({ form, ready }: { form: TemplateForm; ready: boolean }) {
  const { t } = useTranslation();
  const { list } = form;
  if (form.fromList)
    return (
      <>
        {/* Above the list, which covers what is below it. */}
        <div className={css.head}>
          <span className="muted">{t("outset.chooseLabel")}</span>
          <Button type="link" size="small" className={css.other} onClick={() => form.setByHand(true)}>
            {t("outset.byHand")}
          </Button>
        </div>
        {list.isPending || !ready ? (
          <Bones rows={3} />
        ) : (
          <TemplateChooser
            key={form.chosen ? keyOf(form.chosen) : ""}
            form={form}
            templates={list.data ?? []}
          />
        )}
      </>
    );
  return (
    <>
      {list.error && (
        <Alert
          type="warning"
          showIcon
          className={css.trouble}
          title={t("outset.noList")}
          description={list.error.message}
          action={
            <Button size="small" loading={list.isFetching} onClick={() => void list.refetch()}>
              {t("outset.again")}
            </Button>
          }
        />
      )}
      {list.data?.length === 0 && (
        <Alert
          type="info"
          showIcon
          className={css.trouble}
          title={t("outset.noTemplates")}
          description={t("outset.noTemplatesHint")}
        />
      )}
      <TypedFields form={form} />
      {form.byHand && !list.error && list.data?.length !== 0 && (
        <Button type="link" size="small" className={css.other} onClick={() => form.setByHand(false)}>
          {t("outset.fromList")}
        </Button>
      )}
    </>
  );
}

function TypedFields({ form: { typed, setTyped } }: { form: TemplateForm }) {
  const { t } = useTranslation();
  const field = (name: keyof TypedTemplate) => ({
    value: typed[name],
    placeholder: t(`outset.${name}`),
    "aria-label": t(`outset.${name}`),
    onChange: (event: { target: { value: string } }) => setTyped({ ...typed, [name]: event.target.value }),
  });
  return (
    <div className={css.template}>
      <p className="muted">{t("outset.templateHint")}</p>
      <Input {...field("name")} maxLength={600} />
      <Input {...field("language")} maxLength={20} />
      <Input.TextArea {...field("values")} autoSize={{ minRows: 2, maxRows: 8 }} />
    </div>
  );
}
