// The shop's own buttons open the chat through the one name that the widget puts on the page.
for (const button of document.querySelectorAll("[data-chat]")) {
  button.addEventListener("click", () => window.Switchboard?.open());
}
