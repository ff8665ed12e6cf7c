import { useState } from "preact/hooks";
import type { View } from "../chat";
import type { Profile, ProfileField } from "../wire";
import { useDesk } from "./desk";

const INPUTS = {
  name: { type: "text", autocomplete: "name" },
  email: { type: "email", autocomplete: "email" },
  phone: { type: "tel", autocomplete: "tel" },
} as const satisfies Record<ProfileField, object>;

export function isEmail(text: string): boolean {
  return /^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(text);
}

export function PreChat({ fields, known }: { fields: ProfileField[]; known: Profile }) {
  const { chat, say } = useDesk();
  const [values, setValues] = useState<Profile>(known);
  const [wrong, setWrong] = useState(false);
  const submit = (event: Event) => {
    event.preventDefault();
    if (fields.includes("email") && values.email && !isEmail(values.email)) setWrong(true);
    else chat.introduce(filled(values));
  };
  return (
    <form class="pre-chat" onSubmit={submit} noValidate>
      <h3>{say("preTitle")}</h3>
      <p>{say("preText")}</p>
      {fields.map((field, index) => (
        <label key={field}>
          <span>{say(field)}</span>
          <input
            {...INPUTS[field]}
            autofocus={index === 0}
            maxLength={200}
            value={values[field] ?? ""}
            aria-invalid={field === "email" && wrong}
            onInput={(event) => {
              setValues({ ...values, [field]: event.currentTarget.value });
              setWrong(false);
            }}
          />
          {field === "email" && wrong && <em role="alert">{say("badEmail")}</em>}
        </label>
      ))}
      <button type="submit" class="button">
        {say("start")}
      </button>
      <button type="button" class="plain" onClick={() => chat.introduce({})}>
        {say("skip")}
      </button>
    </form>
  );
}

function filled(values: Profile): Profile {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim() !== ""));
}

/** Nobody is there: what happens with a message, and where else we may answer. */
export function OfflineNote({ view }: { view: View }) {
  const { chat, say } = useDesk();
  const [email, setEmail] = useState("");
  const [wrong, setWrong] = useState(false);
  const { conversation, config, profile } = view;
  if (conversation.online || !config) return null;
  const ask = config.offline_form && !profile.email;
  const submit = (event: Event) => {
    event.preventDefault();
    if (isEmail(email.trim())) chat.introduce({ email: email.trim() });
    else setWrong(true);
  };
  return (
    <form class="offline" onSubmit={submit} noValidate>
      <strong>{say("offlineTitle")}</strong>
      <p>
        {profile.email
          ? say("offlineThanks", { email: profile.email })
          : say(config.offline_form ? "offlineMail" : "offlineHere")}
      </p>
      {ask && (
        <div class="offline-line">
          <input
            {...INPUTS.email}
            placeholder={say("email")}
            aria-label={say("email")}
            aria-invalid={wrong}
            maxLength={200}
            value={email}
            onInput={(event) => {
              setEmail(event.currentTarget.value);
              setWrong(false);
            }}
          />
          <button type="submit" class="button">
            {say("save")}
          </button>
        </div>
      )}
      {wrong && <em role="alert">{say("badEmail")}</em>}
    </form>
  );
}
