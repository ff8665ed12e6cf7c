import type { FieldProblem } from "@switchboard/protocol";
import { Form, Input, InputNumber, Select, Switch, type FormInstance } from "antd";
import { Fragment, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { bilingual } from "@/lib/i18n";
import { secretSet, type Field } from "./schema";

export interface FormValues {
  name: string;
  config: Record<string, unknown>;
}

interface Props {
  form: FormInstance<FormValues>;
  fields: Field[];
  initial: FormValues;
  /** What the server holds, to know which secrets are set. */
  stored?: Record<string, unknown>;
  submit: (values: FormValues) => void;
  children?: ReactNode;
}

export function ConfigForm({ form, fields, initial, stored, submit, children }: Props) {
  const { t, i18n } = useTranslation();
  return (
    <Form
      form={form}
      layout="vertical"
      initialValues={initial}
      onFinish={submit}
      requiredMark="optional"
      scrollToFirstError
    >
      <Form.Item
        name="name"
        label={t("channels.name")}
        extra={t("channels.nameHint")}
        rules={[{ required: true, whitespace: true, message: t("channels.nameNeeded") }]}
      >
        <Input maxLength={80} autoFocus={!stored} />
      </Form.Item>
      {fields.map((field, i) => {
        const opens = field.group !== null && fields[i - 1]?.path[0] !== field.path[0];
        return (
          <Fragment key={field.path.join(".")}>
            {opens && <h4 style={{ margin: "18px 0 8px" }}>{bilingual(field.group, i18n.language)}</h4>}
            <OneField field={field} kept={stored ? secretSet(stored, field.path) : false} />
          </Fragment>
        );
      })}
      {children}
    </Form>
  );
}

/** How schemas write "a colour". */
const COLOUR = "^#[0-9a-fA-F]{6}$";

function OneField({ field, kept }: { field: Field; kept: boolean }) {
  const { t, i18n } = useTranslation();
  const label = bilingual(field.title, i18n.language);
  const { minimum, maximum, pattern, minLength } = field.schema;
  const needed = field.required && !kept;
  const options = field.options.map((value) => ({
    value,
    label: t(`choices.${value}`, { defaultValue: String(value) }),
  }));
  return (
    <Form.Item
      name={["config", ...field.path]}
      label={label}
      required={needed}
      extra={bilingual(field.description, i18n.language) || undefined}
      valuePropName={field.type === "switch" ? "checked" : "value"}
      rules={[
        { required: needed && field.type !== "switch", message: t("channels.fieldNeeded", { field: label }) },
        ...(pattern
          ? [{ pattern: new RegExp(pattern, "u"), message: t("channels.fieldWrong", { field: label }) }]
          : []),
        ...(minLength && field.type !== "list"
          ? [{ min: minLength, message: t("channels.fieldShort", { count: minLength }) }]
          : []),
      ]}
    >
      {field.type === "secret" ? (
        <Input.Password
          autoComplete="new-password"
          placeholder={
            kept ? t("channels.secretKept") : field.generated ? t("channels.secretMade") : undefined
          }
        />
      ) : field.type === "long" ? (
        <Input.TextArea autoSize={{ minRows: 3, maxRows: 10 }} />
      ) : field.type === "number" ? (
        <InputNumber style={{ width: 160 }} min={minimum} max={maximum} />
      ) : field.type === "switch" ? (
        <Switch />
      ) : field.type === "choice" ? (
        <Select
          allowClear={!field.required}
          options={field.options.map((value) => ({ value, label: String(value) }))}
        />
      ) : field.type === "list" ? (
        field.options.length > 0 ? (
          <Select mode="multiple" options={options} />
        ) : (
          <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[",", "，", " "]} />
        )
      ) : field.schema.pattern === COLOUR ? (
        <Input type="color" style={{ width: 64, padding: 3 }} />
      ) : (
        <Input placeholder={example(field)} />
      )}
    </Form.Item>
  );
}

const example = (field: Field) =>
  typeof field.schema.examples?.[0] === "string" ? field.schema.examples[0] : undefined;

/** Puts the server's words under the fields they name; returns those that name no field of the form. */
export function showProblems(form: FormInstance<FormValues>, problems: FieldProblem[]): FieldProblem[] {
  const rest: FieldProblem[] = [];
  for (const problem of problems) {
    const path = problem.field.split(".");
    if (form.getFieldInstance(path as never) === undefined) rest.push(problem);
    else form.setFields([{ name: path as never, errors: [problem.message] }]);
  }
  return rest;
}
