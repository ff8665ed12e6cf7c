import type { ApprovedTemplate } from "@switchboard/protocol";
import { Input, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { keyOf, matching, pieces, preview, unplaced } from "./fill";
import css from "./outset.module.css";
import type { TemplateForm } from "./template";

interface Props {
  form: TemplateForm;
  templates: ApprovedTemplate[];
}

/** The platform's approved templates; below, the one chosen with its values in place and as the customer will read it. */
export function TemplateChooser({ form, templates }: Props) {
  const { t } = useTranslation();
  const [find, setFind] = useState("");
  const found = matching(templates, find);
  const { chosen } = form;
  return (
    <>
      <Select
        className={css.choose}
        value={chosen ? keyOf(chosen) : undefined}
        placeholder={t("outset.choose", { count: templates.length })}
        aria-label={t("outset.chooseLabel")}
        autoFocus={!chosen}
        defaultOpen={!chosen}
        showSearch={{ filterOption: false, onSearch: setFind }}
        notFoundContent={t("outset.noneFits")}
        listHeight={240}
        onSelect={(key) => {
          const template = templates.find((one) => keyOf(one) === key);
          if (template) form.choose(template);
        }}
        labelRender={() => chosen && <Heading template={chosen} />}
        options={found.map((one) => ({ value: keyOf(one), label: one.title || one.name, template: one }))}
        optionRender={(option) => (
          <div className={css.option}>
            <Heading template={option.data.template} />
            <div className="faint truncate">{option.data.template.text.replace(/\s+/g, " ")}</div>
          </div>
        )}
      />
      {chosen && <Filling template={chosen} form={form} />}
    </>
  );
}

function Heading({ template }: { template: ApprovedTemplate }) {
  const { t } = useTranslation();
  const category = template.category ?? "";
  return (
    <span className={css.heading}>
      <b className="truncate">{template.title || template.name}</b>
      {template.title && <span className="faint truncate">{template.name}</span>}
      <span className={css.marks}>
        {category && <small>{t(`outset.categories.${category}`, { defaultValue: category })}</small>}
        <small>{template.language}</small>
      </span>
    </span>
  );
}

function Filling({ template, form }: { template: ApprovedTemplate; form: TemplateForm }) {
  const { t } = useTranslation();
  const more = unplaced(template);
  const first = template.variables?.[0];
  const field = (name: string) => (
    <Input
      size="small"
      value={form.values[name] ?? ""}
      placeholder={name}
      aria-label={t("outset.variable", { name })}
      autoFocus={name === first}
      maxLength={1000}
      style={{ width: `${Math.min(48, Math.max(7, widthOf(form.values[name] || name) + 3))}ch` }}
      onChange={(event) => form.setValue(name, event.target.value)}
    />
  );
  if (!first) return <Preview template={template} form={form} />;
  return (
    <>
      <div className={css.filling}>
        {pieces(template).map((one, nr) =>
          typeof one === "string" ? (
            <span key={nr}>{one}</span>
          ) : one.again ? (
            <span key={nr} className={css.again}>
              {form.values[one.variable] || one.variable}
            </span>
          ) : (
            <span key={nr}>{field(one.variable)}</span>
          ),
        )}
        {more.map((name) => (
          <div key={name}>
            {name} {field(name)}
          </div>
        ))}
      </div>
      <Preview template={template} form={form} />
    </>
  );
}

function Preview({ template, form }: { template: ApprovedTemplate; form: TemplateForm }) {
  const { t } = useTranslation();
  const label = t("outset.preview");
  return (
    <figure className={css.preview}>
      <figcaption className="muted">{label}</figcaption>
      <blockquote aria-label={label}>
        {preview(template, form.values, (name) => t("outset.missing", { name }))}
      </blockquote>
    </figure>
  );
}

/** How wide words are, in digits: Han and their like take the room of two. */
const widthOf = (text: string) => [...text].reduce((sum, one) => sum + (one > "⺀" ? 2 : 1), 0);
