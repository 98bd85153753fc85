/**
 * Replaces what stands between the marks `<!-- generated:NAME -->` and `<!-- /generated:NAME -->`.
 * @throws Error when a mark is missing
 */
export function withGenerated(document: string, name: string, text: string): string {
  const begin = `<!-- generated:${name} -->`;
  const end = `<!-- /generated:${name} -->`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) {
    throw new Error(`the marks ${begin} and ${end} are missing`);
  }
  return `${document.slice(0, from + begin.length)}\n\n${text.trim()}\n\n${document.slice(to)}`;
}
