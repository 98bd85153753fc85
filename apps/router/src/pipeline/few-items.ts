// Nearly always none or one, of which a Set would cost a request more than what it holds. Lists are never changed: whoever walks
// through one is not disturbed.

/** No items. */
export const NONE: readonly never[] = [];

/** The items and one more. */
export function joined<T>(items: readonly T[], item: T): readonly T[] {
  return items.length === 0 ? [item] : [...items, item];
}

/** The items but one. */
export function without<T>(items: readonly T[], item: T): readonly T[] {
  return items.length === 1 && items[0] === item ? NONE : items.filter((each) => each !== item);
}
