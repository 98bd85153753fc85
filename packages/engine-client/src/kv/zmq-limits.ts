/** Longest message of events that is taken: a batch of half a million tokens has 3 MB. */
export const MAX_KV_MESSAGE_BYTES = 64 * 1024 * 1024;

/** A peer has to have said what it is within this time. */
export const HANDSHAKE_TIMEOUT_MS = 10_000;
