import type { Contact, Id } from "@switchboard/protocol";
import { Avatar } from "@switchboard/ui";
import { Select } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { useContacts } from "@/sync/contacts";

interface Props {
  without?: Id;
  choose: (contact: Contact) => void;
  placeholder: string;
}

/** Finds a contact by name, number or address. */
export function ContactPicker({ without, choose, placeholder }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const found = useContacts(useDeferredValue(text));
  const contacts = (found.data?.pages ?? []).flatMap((p) => p.items).filter((c) => c.id !== without);
  return (
    <Select
      autoFocus
      style={{ width: "100%" }}
      placeholder={placeholder}
      aria-label={placeholder}
      showSearch={{ filterOption: false, onSearch: setText }}
      notFoundContent={found.isFetching ? "…" : t("contacts.nothing")}
      options={contacts.map((c) => ({ value: c.id, label: c.name, contact: c }))}
      onSelect={(_, option) => choose(option.contact)}
      optionRender={(option) => (
        <span style={{ display: "flex", gap: 8, alignItems: "center", minWidth: 0 }}>
          <Avatar
            name={option.data.contact.name}
            url={option.data.contact.avatar_url}
            seed={option.data.contact.id}
            size={22}
          />
          <span className="truncate">{option.data.contact.name}</span>
          <span className="faint truncate">{option.data.contact.identities[0]?.value}</span>
        </span>
      )}
    />
  );
}
