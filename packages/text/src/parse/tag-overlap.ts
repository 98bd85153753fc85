/** Length of the longest beginning of `tag`, but not all of it, that `text` ends with. */
export function tagOverlap(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}
