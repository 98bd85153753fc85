import { flagMember, type JsonObject } from "./json-object.ts";
import { lowercase, normalizeKnown, type Normalizer } from "./normalizer-steps.ts";
import { unknownToAccents, unknownToCleaning } from "./unicode-differences.ts";

const control = new RegExp(`[\\0\\u{fffd}[[\\p{Cc}\\p{Cf}\\p{Co}]--[\\t\\n\\r${unknownToCleaning}]]]`, "gv");
// Two marks have become spacing ones since.
const accent = new RegExp(`[[\\p{Mn}--[${unknownToAccents}]]\\u{1734}\\u{1171e}]`, "gv");
// The blocks BERT puts spaces around; the gap after U+2B81F is in the original too.
const ideograph =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

/** BERT's normalizer: cleaning, spaces around Chinese characters, accents and case taken away. */
export function compileBertNormalizer(json: JsonObject): Normalizer {
  const cleans = flagMember(json, "clean_text", true);
  const separates = flagMember(json, "handle_chinese_chars", true);
  const lowercases = flagMember(json, "lowercase", true);
  const strips = typeof json["strip_accents"] === "boolean" ? json["strip_accents"] : lowercases;
  return (text) => {
    let normalized = text;
    if (cleans) normalized = normalized.replace(control, "").replace(/\p{White_Space}/gu, " ");
    if (separates) normalized = normalized.replace(ideograph, " $& ");
    if (strips) normalized = normalizeKnown(normalized, "NFD").replace(accent, "");
    return lowercases ? lowercase(normalized) : normalized;
  };
}
