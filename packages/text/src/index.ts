export { createDetokenizer, type Detokenizer, type DetokenizerOptions } from "./detokenize/detokenizer.ts";
export { decodeInWindow, EMPTY_WINDOW, promptWindow, type TokenWindow } from "./detokenize/token-window.ts";
export { type DecodeStream, type DecodeStreamOptions } from "./detokenize/decode-stream.ts";
export { type ExpectedFinish, type FinishRuleOptions } from "./sequence/finish-rule.ts";
export { createLogprobTexts, type LogprobTexts } from "./sequence/logprob-texts.ts";
export { type RepetitionRule } from "./sequence/repetition-detector.ts";
export {
  type DeclaredTool,
  type OutputDelta,
  type OutputParser,
  type OutputParserContext,
  type ParsedOutput,
  type ParsedToolCall,
  type RandomTexts,
  type ToolCallDelta,
  type ToolChoice,
} from "./parse/output-parser.ts";
export {
  createOutputParser,
  REASONING_PARSERS,
  TOOL_PARSERS,
  type ParserSelection,
} from "./parse/parser-registry.ts";
export { type ReasoningParserFamily } from "./parse/reasoning-parser.ts";
export { type ToolParserFamily, type ToolStrictLevel } from "./parse/tool-parser.ts";
export {
  createSequenceText,
  type SequenceText,
  type SequenceTextOptions,
  type TextDelta,
} from "./sequence/sequence-text.ts";
export { instructionsText, type HarmonyTurn } from "./harmony/harmony-turn.ts";
export {
  harmonyPreamble,
  renderHarmony,
  renderHarmonyTurns,
  type HarmonyConversation,
  type HarmonyPreamble,
} from "./harmony/render-harmony.ts";
export {
  createHarmonyReader,
  type HarmonyReader,
  type HarmonySegment,
} from "./parse/harmony/harmony-reader.ts";
export type { HarmonyMessage } from "./parse/harmony/message-parser.ts";
export { createHarmonyParser } from "./parse/harmony/harmony-parser.ts";
export { harmonyAnswerTag } from "./structural-tag/harmony-format.ts";
export { constraintFormat } from "./structural-tag/constraint-format.ts";
export { toolStructuralTag, type ToolTagRequest } from "./structural-tag/tool-structural-tag.ts";
export { TextError, type TextErrorCode, type TextErrorOptions } from "./text-error.ts";
export {
  compileChatTemplate,
  type ChatTemplate,
  type ChatTemplateOptions,
} from "./template/chat-template.ts";
export { type ContentFormat } from "./template/content-format.ts";
export { normalizeMessages, type NormalizeOptions } from "./template/normalize-messages.ts";
export { normalizeTools } from "./template/normalize-tools.ts";
export { type LocalTime } from "./template/python/strftime.ts";
export { renderChat, renderChatPieces, type ChatRenderRequest } from "./template/render-chat.ts";
export { effectiveTemplateKwargs, type TemplateSettings } from "./template/template-kwargs.ts";
export {
  chatTemplateSource,
  NO_CHAT_TEMPLATE_MESSAGE,
  specialTokensOf,
  type TemplateFiles,
} from "./template/template-source.ts";
export { PythonFloat, type FloatValue, type TemplateValue } from "./template/template-value.ts";
export { createTokenizer } from "./tokenizer/create-tokenizer.ts";
export { continueEncoding, type CutEncoding, type EncodingCut } from "./tokenizer/cut-encoding.ts";
export { type EncodingDraft, type Stretch } from "./tokenizer/encoding-draft.ts";
export { type CreateTextUnits, type TextUnits } from "./tokenizer/text-units.ts";
export {
  type DecodeOptions,
  type Tokenizer,
  type TokenizerFiles,
  type TokenizerOptions,
} from "./tokenizer/tokenizer.ts";
