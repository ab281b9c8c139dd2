// Who is signed out while they write: the page says so at once and keeps everything; signed in again elsewhere, it goes on.
import { all, find, message } from "./dom";
import { toast } from "./toasts";

const BACK = "signed-in-again";

/** Say that the session has ended, and how to go on without leaving the page. */
export function tellSignedOut(): void {
  if (find("#signed-out")) return;
  const mould = find<HTMLTemplateElement>("#signed-out-note");
  if (mould) document.body.prepend(mould.content.cloneNode(true));
}

/** Look at an answer to a script; whether it means that nothing was done because of signing out or in. */
export function isOutdated(status: number, header: (name: string) => string | null): boolean {
  if (status === 401) {
    tellSignedOut();
    return true;
  }
  const token = status === 403 ? header("X-CSRFToken") : null;
  if (!token) return false;
  renew(token);
  return true;
}

/** Call `run` when the reader has signed in again in another tab. */
export function onSignedInAgain(run: () => void): void {
  document.addEventListener(BACK, run);
}

function renew(token: string): void {
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  all<HTMLInputElement>("input[name=csrfmiddlewaretoken]").forEach((input) => (input.value = token));
}

async function look(): Promise<void> {
  const note = find("#signed-out");
  if (!note || document.visibilityState !== "visible") return;
  try {
    const answer = await fetch(note.dataset.check!, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const { token, person } = (await answer.json()) as { token: string; person: string };
    if (person !== document.body.dataset.person) return toast(message("somebodyElse"), "error");
    renew(token);
    note.remove();
    toast(message("signedIn"));
    document.dispatchEvent(new Event(BACK));
  } catch {
    // Without a connection the note stays, and the next look asks again.
  }
}

document.addEventListener("visibilitychange", () => void look());
window.addEventListener("focus", () => void look());

// Files are the one thing that the server cannot keep for somebody who is signed out.
document.addEventListener(
  "submit",
  (event) => {
    const files = all<HTMLInputElement>("input[type=file]", event.target as HTMLFormElement);
    if (!find("#signed-out") || !files.some((input) => input.files?.length)) return;
    event.preventDefault();
    event.stopPropagation();
    find("#signed-out a")?.focus();
    toast(message("signedOut"), "error");
  },
  true,
);
