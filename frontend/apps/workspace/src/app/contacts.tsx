import { useNavigate, useParams } from "@tanstack/react-router";
import { ContactsPage } from "@/features/contact/page";
import { showMessage } from "./show-message";

export function Contacts() {
  const navigate = useNavigate();
  const { id } = useParams({ strict: false }) as { id?: string };
  return (
    <ContactsPage
      id={id}
      choose={(next) => void navigate({ to: "/contacts/$id", params: { id: next } })}
      openConversation={(next) => void navigate({ to: "/desk/$view/$id", params: { view: "all", id: next } })}
      show={showMessage}
    />
  );
}
