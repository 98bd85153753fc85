/** ECMAScript 2024; declared here because the packages are typed for 2023. */
interface WellFormedString {
  isWellFormed(): boolean;
}

/** False when a string has a surrogate without its other half: no such text can be written as UTF-8. */
export function isWellFormed(text: string): boolean {
  return (text as unknown as WellFormedString).isWellFormed();
}
