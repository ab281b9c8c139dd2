// Trying out the API on its page, with the reader's session.
import { csrfToken, find, on, message } from "./dom";

on("submit", "form[data-api-try]", (event, element) => {
  event.preventDefault();
  const form = element as HTMLFormElement;
  void send(form, form.dataset.apiTry ?? "GET", new FormData(form));
});

async function send(form: HTMLFormElement, method: string, given: FormData): Promise<void> {
  const output = find<HTMLPreElement>("pre", form);
  if (!output) return;
  const path = String(given.get("path"));
  output.hidden = false;
  // The session's rights are for this server only, whatever address was typed.
  if (!path.startsWith("/api/")) {
    output.textContent = "/api/v1/ …";
    return;
  }
  const headers: Record<string, string> = { "X-CSRFToken": csrfToken() };
  const body = given.get("body");
  if (body !== null) headers["Content-Type"] = "application/json";
  if (given.get("match")) headers["If-Match"] = String(given.get("match"));
  try {
    const answer = await fetch(path, { method, headers, body: body === null ? undefined : String(body) });
    output.textContent = `${answer.status} ${answer.statusText}\n\n${indented(await answer.text())}`;
  } catch {
    output.textContent = message("lost");
  }
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
