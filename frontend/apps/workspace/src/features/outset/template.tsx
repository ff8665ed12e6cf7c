import type { OutgoingPart } from "@switchboard/protocol";
import { Input } from "antd";
import { useTranslation } from "react-i18next";
import css from "./outset.module.css";

/** A template as it is typed in: its values stand one to a line. */
export interface TemplateText {
  name: string;
  language: string;
  values: string;
}

export const noTemplate: TemplateText = { name: "", language: "", values: "" };

export function templatePart({ name, language, values }: TemplateText): OutgoingPart | null {
  if (!name.trim() || language.trim().length < 2) return null;
  const variables = values.split("\n").map((line) => line.trim());
  while (variables.at(-1) === "") variables.pop();
  return { type: "template", name: name.trim(), language: language.trim(), variables };
}

export function TemplateFields({
  value,
  onChange,
}: {
  value: TemplateText;
  onChange: (value: TemplateText) => void;
}) {
  const { t } = useTranslation();
  const field = (name: keyof TemplateText) => ({
    value: value[name],
    placeholder: t(`outset.${name}`),
    "aria-label": t(`outset.${name}`),
    onChange: (event: { target: { value: string } }) => onChange({ ...value, [name]: event.target.value }),
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
