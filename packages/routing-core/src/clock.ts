/** Milliseconds of a clock that never runs backwards; its zero is arbitrary. Injected, so that tests own time. */
export type Clock = () => number;
