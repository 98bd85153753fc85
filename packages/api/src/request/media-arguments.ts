import { validationError } from "../api-error.ts";
import type { JsonValue } from "../json/json-value.ts";

/** Fields with which a request may change how its media are read. */
export interface MediaArguments {
  readonly mmProcessorKwargs?: ReadonlyMap<string, JsonValue> | null;
  readonly mediaIoKwargs?: ReadonlyMap<string, unknown> | null;
}

/**
 * Refuses media arguments where the server was not started with `--trust-request-mm-kwargs`. vLLM checks this after the
 * trust in templates and before lengths, for chat and tokenize requests.
 *
 * @throws {@link ApiError}
 */
export function checkMediaArguments(request: MediaArguments, isTrusted: boolean): void {
  if (isTrusted) return;
  if ((request.mmProcessorKwargs?.size ?? 0) > 0) {
    throw validationError(
      "Per-request mm_processor_kwargs are disabled by default because they can change multimodal preprocessing " +
        "resource usage. Start the server with --trust-request-mm-kwargs only when clients are trusted.",
      "mm_processor_kwargs",
    );
  }
  if ((request.mediaIoKwargs?.size ?? 0) > 0) {
    throw validationError(
      "Per-request media_io_kwargs are disabled by default because they can change multimodal media loading " +
        "resource usage. Start the server with --trust-request-mm-kwargs only when clients are trusted.",
      "media_io_kwargs",
    );
  }
}
