const UNSAFE = /[&<>'"]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};

/** Escapes text for HTML as markupsafe does. */
export function escapeHtml(text: string): string {
  return text.replace(UNSAFE, (character) => ESCAPES[character] ?? character);
}
