/**
 * Types of the Responses API's request fields, as vLLM 0.32 takes them from OpenAI's SDK; written by
 * `tools/real-vllm/record_shapes.py`, which says how to read them.
 */
export const SHAPE_TABLE: string = `
$input (str|[(EasyInputMessageParam|Message|ResponseOutputMessageParam|ResponseFileSearchToolCallParam|ResponseComputerToolCallParam|ComputerCallOutput|ResponseFunctionWebSearchParam|ResponseFunctionToolCallParam|FunctionCallOutput|ToolSearchCall|ResponseToolSearchOutputItemParamParam|AdditionalTools|ResponseConfigurationUpdateItemParamParam|ResponseReasoningItemParam|ResponseCompactionItemParamParam|ImageGenerationCall|ResponseCodeInterpreterToolCallParam|LocalShellCall|LocalShellCallOutput|ShellCall|ShellCallOutput|ApplyPatchCall|ApplyPatchCallOutput|McpListTools|McpApprovalRequest|McpApprovalResponse|McpCall|ResponseCustomToolCallOutputParam|ResponseCustomToolCallParam|CompactionTrigger|ItemReference|Program|ProgramOutput|(ResponseOutputMessage|ResponseFileSearchToolCall|ResponseFunctionToolCall|ResponseFunctionToolCallOutputItem|ResponseFunctionWebSearch|ResponseComputerToolCall|ResponseComputerToolCallOutputItem|ResponseReasoningItem|Program#1|ProgramOutput#1|ResponseToolSearchCall|ResponseToolSearchOutputItem|AdditionalTools#1|ResponseCompactionItem|ImageGenerationCall#1|ResponseCodeInterpreterToolCall|LocalShellCall#1|LocalShellCallOutput#1|ResponseFunctionShellToolCall|ResponseFunctionShellToolCallOutput|ResponseApplyPatchToolCall|ResponseApplyPatchToolCallOutput|McpCall#1|McpListTools#1|McpApprovalRequest#1|McpApprovalResponse#1|ResponseCustomToolCall|ResponseCustomToolCallOutputItem))])
$metadata {str}?
$prompt ResponsePrompt?
$reasoning Reasoning#1?
$text ResponseTextConfig?
$tool_choice ('none','auto','required'|ToolChoiceAllowed|ToolChoiceTypes|ToolChoiceFunction|ToolChoiceMcp|ToolChoiceCustom|ToolChoiceSpecificProgrammaticToolCallingParam|ToolChoiceApplyPatch|ToolChoiceShell)
$tools [(FunctionTool|FileSearchTool|ComputerTool|ComputerUsePreviewTool|WebSearchTool|Mcp#1|CodeInterpreter#1|ProgrammaticToolCalling#1|ImageGeneration#1|LocalShell#1|FunctionShellTool|CustomTool|NamespaceTool|ToolSearchTool|WebSearchPreviewTool|ApplyPatchTool)]
EasyInputMessageParam t{content:(str|[(ResponseInputTextParam|ResponseInputImageParam|ResponseInputFileParam)]) role:'user','assistant','system','developer' phase~'commentary','final_answer'? type~'message'}
ResponseInputTextParam t{text:str type:'input_text' prompt_cache_breakpoint~PromptCacheBreakpoint}
PromptCacheBreakpoint t{mode:'explicit' ttl~'30m','12h'}
ResponseInputImageParam t{detail:'low','high','auto','original' type:'input_image' file_id~str? image_url~str? prompt_cache_breakpoint~PromptCacheBreakpoint}
ResponseInputFileParam t{type:'input_file' detail~'auto','low','high' file_data~str file_id~str? file_url~str filename~str prompt_cache_breakpoint~PromptCacheBreakpoint}
Message t{content:[(ResponseInputTextParam|ResponseInputImageParam|ResponseInputFileParam)] role:'user','system','developer' status~'in_progress','completed','incomplete' type~'message'}
ResponseOutputMessageParam t{id:str content:<(ResponseOutputTextParam|ResponseOutputRefusalParam)> role:'assistant' status:'in_progress','completed','incomplete' type:'message' phase~'commentary','final_answer'?}
ResponseOutputTextParam t{annotations:<(AnnotationFileCitation|AnnotationURLCitation|AnnotationContainerFileCitation|AnnotationFilePath)> text:str type:'output_text' logprobs~<Logprob>}
AnnotationFileCitation t{file_id:str filename:str index:int type:'file_citation'}
AnnotationURLCitation t{end_index:int start_index:int title:str type:'url_citation' url:str}
AnnotationContainerFileCitation t{container_id:str end_index:int file_id:str filename:str start_index:int type:'container_file_citation'}
AnnotationFilePath t{file_id:str index:int type:'file_path'}
Logprob t{token:str bytes:<int> logprob:float top_logprobs:<LogprobTopLogprob>}
LogprobTopLogprob t{token:str bytes:<int> logprob:float}
ResponseOutputRefusalParam t{refusal:str type:'refusal'}
ResponseFileSearchToolCallParam t{id:str queries:[str] status:'in_progress','searching','completed','incomplete','failed' type:'file_search_call' results~<Result>?}
Result t{attributes~{(str|float|bool)}? file_id~str filename~str score~float text~str}
ResponseComputerToolCallParam t{id:str call_id:str pending_safety_checks:<PendingSafetyCheck> status:'in_progress','completed','incomplete' type:'computer_call' action~(ActionClick|ActionDoubleClick|ActionDrag|ActionKeypress|ActionMove|ActionScreenshot|ActionScroll|ActionType|ActionWait) actions~[(Click|DoubleClick|Drag|Keypress|Move|Screenshot|Scroll|Type|Wait)]}
PendingSafetyCheck t{id:str code~str? message~str?}
ActionClick t{button:'left','right','wheel','back','forward' type:'click' x:int y:int keys~[str]?}
ActionDoubleClick t{keys:[str]? type:'double_click' x:int y:int}
ActionDrag t{path:<ActionDragPath> type:'drag' keys~[str]?}
ActionDragPath t{x:int y:int}
ActionKeypress t{keys:[str] type:'keypress'}
ActionMove t{type:'move' x:int y:int keys~[str]?}
ActionScreenshot t{type:'screenshot'}
ActionScroll t{scroll_x:int scroll_y:int type:'scroll' x:int y:int keys~[str]?}
ActionType t{text:str type:'type'}
ActionWait t{type:'wait'}
Click t{button:'left','right','wheel','back','forward' type:'click' x:int y:int keys~[str]?}
DoubleClick t{keys:[str]? type:'double_click' x:int y:int}
Drag t{path:<DragPath> type:'drag' keys~[str]?}
DragPath t{x:int y:int}
Keypress t{keys:[str] type:'keypress'}
Move t{type:'move' x:int y:int keys~[str]?}
Screenshot t{type:'screenshot'}
Scroll t{scroll_x:int scroll_y:int type:'scroll' x:int y:int keys~[str]?}
Type t{text:str type:'type'}
Wait t{type:'wait'}
ComputerCallOutput t{call_id:str output:ResponseComputerToolCallOutputScreenshotParam type:'computer_call_output' id~str? acknowledged_safety_checks~<ComputerCallOutputAcknowledgedSafetyCheck>? status~'in_progress','completed','incomplete'?}
ResponseComputerToolCallOutputScreenshotParam t{type:'computer_screenshot' file_id~str image_url~str}
ComputerCallOutputAcknowledgedSafetyCheck t{id:str code~str? message~str?}
ResponseFunctionWebSearchParam t{id:str action:(ActionSearch|ActionOpenPage|ActionFind) status:'in_progress','searching','completed','incomplete','failed' type:'web_search_call'}
ActionSearch t{type:'search' queries~[str] query~str sources~<ActionSearchSource>}
ActionSearchSource t{type:'url' url:str}
ActionOpenPage t{type:'open_page' url~str?}
ActionFind t{pattern:str type:'find_in_page' url:str}
ResponseFunctionToolCallParam t{async~bool arguments:str call_id:str name:str type:'function_call' id~str caller~(CallerDirect|CallerProgram)? namespace~str status~'in_progress','completed','incomplete'}
CallerDirect t{type:'direct'}
CallerProgram t{caller_id:str type:'program'}
FunctionCallOutput t{output:(str|[(ResponseInputTextContentParam|ResponseInputImageContentParam|ResponseInputFileContentParam)]) type:'function_call_output' id~str? call_id~str? caller~(FunctionCallOutputCallerDirect|FunctionCallOutputCallerProgram)? name~str? namespace~str? status~'in_progress','completed','incomplete'?}
ResponseInputTextContentParam t{text:str type:'input_text' prompt_cache_breakpoint~PromptCacheBreakpoint?}
ResponseInputImageContentParam t{type:'input_image' detail~'low','high','auto','original'? file_id~str? image_url~str? prompt_cache_breakpoint~PromptCacheBreakpoint?}
ResponseInputFileContentParam t{type:'input_file' detail~'auto','low','high' file_data~str? file_id~str? file_url~str? filename~str? prompt_cache_breakpoint~PromptCacheBreakpoint?}
FunctionCallOutputCallerDirect t{type:'direct'}
FunctionCallOutputCallerProgram t{caller_id:str type:'program'}
ToolSearchCall t{arguments:any type:'tool_search_call' id~str? call_id~str? execution~'server','client' status~'in_progress','completed','incomplete'?}
ResponseToolSearchOutputItemParamParam t{tools:<(FunctionToolParam|FileSearchToolParam|ComputerToolParam|ComputerUsePreviewToolParam|WebSearchToolParam|ToolMcp|ToolCodeInterpreter|ToolProgrammaticToolCalling|ToolImageGeneration|ToolLocalShell|FunctionShellToolParam|CustomToolParam|ToolSearchOutputNamespaceToolParam|ToolSearchToolParam|WebSearchPreviewToolParam|ApplyPatchToolParam)> type:'tool_search_output' id~str? call_id~str? execution~'server','client' status~'in_progress','completed','incomplete'?}
FunctionToolParam t{async~bool name:str parameters:{any}? strict:bool? type:'function' allowed_callers~['direct','programmatic']? defer_loading~bool description~str? output_schema~{any}?}
FileSearchToolParam t{type:'file_search' vector_store_ids:[str] filters~(ComparisonFilter|CompoundFilter)? max_num_results~int ranking_options~RankingOptions}
ComparisonFilter t{key:str type:'eq','ne','gt','gte','lt','lte','in','nin' value:(str|float|bool|[(float|str)])}
CompoundFilter t{filters:<(ComparisonFilter|any)> type:'and','or'}
RankingOptions t{hybrid_search~RankingOptionsHybridSearch ranker~'auto','default-2024-11-15' score_threshold~float}
RankingOptionsHybridSearch t{embedding_weight:float text_weight:float}
ComputerToolParam t{type:'computer'}
ComputerUsePreviewToolParam t{display_height:int display_width:int environment:'windows','mac','linux','ubuntu','browser' type:'computer_use_preview'}
WebSearchToolParam t{type:'web_search','web_search_2025_08_26' external_web_access~bool filters~Filters? search_context_size~'low','medium','high' user_location~UserLocation?}
Filters t{allowed_domains~[str]?}
UserLocation t{city~str? country~str? region~str? timezone~str? type~'approximate'}
ToolMcp t{server_label:str type:'mcp' allowed_callers~['direct','programmatic']? allowed_tools~([str]|ToolMcpAllowedToolsMcpToolFilter)? authorization~str connector_id~'connector_dropbox','connector_gmail','connector_googlecalendar','connector_googledrive','connector_microsoftteams','connector_outlookcalendar','connector_outlookemail','connector_sharepoint' defer_loading~bool headers~{str}? require_approval~(ToolMcpRequireApprovalMcpToolApprovalFilter|'always','never')? server_description~str server_url~str tunnel_id~str}
ToolMcpAllowedToolsMcpToolFilter t{read_only~bool tool_names~[str]}
ToolMcpRequireApprovalMcpToolApprovalFilter t{always~ToolMcpRequireApprovalMcpToolApprovalFilterAlways never~ToolMcpRequireApprovalMcpToolApprovalFilterNever}
ToolMcpRequireApprovalMcpToolApprovalFilterAlways t{read_only~bool tool_names~[str]}
ToolMcpRequireApprovalMcpToolApprovalFilterNever t{read_only~bool tool_names~[str]}
ToolCodeInterpreter t{container:(str|ToolCodeInterpreterContainerCodeInterpreterToolAuto) type:'code_interpreter' allowed_callers~['direct','programmatic']?}
ToolCodeInterpreterContainerCodeInterpreterToolAuto t{type:'auto' file_ids~[str] memory_limit~'1g','4g','16g','64g'? network_policy~(ContainerNetworkPolicyDisabledParam|ContainerNetworkPolicyAllowlistParam)}
ContainerNetworkPolicyDisabledParam t{type:'disabled'}
ContainerNetworkPolicyAllowlistParam t{allowed_domains:[str] type:'allowlist' domain_secrets~<ContainerNetworkPolicyDomainSecretParam>}
ContainerNetworkPolicyDomainSecretParam t{domain:str name:str value:str}
ToolProgrammaticToolCalling t{type:'programmatic_tool_calling'}
ToolImageGeneration t{type:'image_generation' action~'generate','edit','auto' background~'transparent','opaque','auto' complexity~'low','medium','high' frame_count~int frame_duration_ms~int input_fidelity~'high','low'? input_image_mask~ToolImageGenerationInputImageMask model~(str|'gpt-image-1','gpt-image-1-mini','gpt-image-2','gpt-image-2-2026-04-21','gpt-image-2.5-sunburst','gpt-image-2.5-sunburst-2026-09-08','gpt-image-2.5-flare','gpt-image-2.5-flare-2026-09-08','gpt-image-2.6-sunburst','gpt-image-2.6-flare','gpt-image-1.5','chatgpt-image-latest') moderation~'auto','low' output_compression~int output_format~'png','webp','jpeg','gif','svg' partial_images~int quality~'low','medium','high','xhigh','max','auto' size~(str|'1024x1024','1024x1536','1536x1024','auto') svg~ToolImageGenerationSvg}
ToolImageGenerationInputImageMask t{file_id~str image_url~str}
ToolImageGenerationSvg t{model~str reasoning~ToolImageGenerationSvgReasoning?}
ToolImageGenerationSvgReasoning t{effort~'none','minimal','low','medium','high','xhigh','max'}
ToolLocalShell t{type:'local_shell'}
FunctionShellToolParam t{type:'shell' allowed_callers~['direct','programmatic']? environment~(ContainerAutoParam|LocalEnvironmentParam|ContainerReferenceParam)?}
ContainerAutoParam t{type:'container_auto' file_ids~[str] memory_limit~'1g','4g','16g','64g'? network_policy~(ContainerNetworkPolicyDisabledParam|ContainerNetworkPolicyAllowlistParam) skills~<(SkillReferenceParam|InlineSkillParam)>}
SkillReferenceParam t{skill_id:str type:'skill_reference' version~str}
InlineSkillParam t{description:str name:str source:InlineSkillSourceParam type:'inline'}
InlineSkillSourceParam t{data:str media_type:'application/zip' type:'base64'}
LocalEnvironmentParam t{type:'local' skills~<LocalSkillParam>}
LocalSkillParam t{description:str name:str path:str}
ContainerReferenceParam t{container_id:str type:'container_reference'}
CustomToolParam t{async~bool name:str type:'custom' allowed_callers~['direct','programmatic']? defer_loading~bool description~str format~(Text|Grammar)}
Text t{type:'text'}
Grammar t{definition:str syntax:'lark','regex' type:'grammar'}
ToolSearchOutputNamespaceToolParam t{description:str name:str tools:<(ToolFunction|CustomToolParam)> type:'namespace'}
ToolFunction t{async~bool name:str type:'function' allowed_callers~['direct','programmatic']? defer_loading~bool description~str? output_schema~{any}? parameters~any? strict~bool?}
ToolSearchToolParam t{type:'tool_search' description~str? execution~'server','client' parameters~any?}
WebSearchPreviewToolParam t{type:'web_search_preview','web_search_preview_2025_03_11' search_content_types~['text','image'] search_context_size~'low','medium','high' user_location~UserLocation#1?}
UserLocation#1 t{type:'approximate' city~str? country~str? region~str? timezone~str?}
ApplyPatchToolParam t{type:'apply_patch' allowed_callers~['direct','programmatic']?}
AdditionalTools t{role:'developer' tools:<(FunctionToolParam|FileSearchToolParam|ComputerToolParam|ComputerUsePreviewToolParam|WebSearchToolParam|Mcp|CodeInterpreter|ProgrammaticToolCalling|ImageGeneration|LocalShell|FunctionShellToolParam|CustomToolParam|NamespaceToolParam|ToolSearchToolParam|WebSearchPreviewToolParam|ApplyPatchToolParam)> type:'additional_tools' id~str?}
Mcp t{server_label:str type:'mcp' allowed_callers~['direct','programmatic']? allowed_tools~([str]|McpAllowedToolsMcpToolFilter)? authorization~str connector_id~'connector_dropbox','connector_gmail','connector_googlecalendar','connector_googledrive','connector_microsoftteams','connector_outlookcalendar','connector_outlookemail','connector_sharepoint' defer_loading~bool headers~{str}? require_approval~(McpRequireApprovalMcpToolApprovalFilter|'always','never')? server_description~str server_url~str tunnel_id~str}
McpAllowedToolsMcpToolFilter t{read_only~bool tool_names~[str]}
McpRequireApprovalMcpToolApprovalFilter t{always~McpRequireApprovalMcpToolApprovalFilterAlways never~McpRequireApprovalMcpToolApprovalFilterNever}
McpRequireApprovalMcpToolApprovalFilterAlways t{read_only~bool tool_names~[str]}
McpRequireApprovalMcpToolApprovalFilterNever t{read_only~bool tool_names~[str]}
CodeInterpreter t{container:(str|CodeInterpreterContainerCodeInterpreterToolAuto) type:'code_interpreter' allowed_callers~['direct','programmatic']?}
CodeInterpreterContainerCodeInterpreterToolAuto t{type:'auto' file_ids~[str] memory_limit~'1g','4g','16g','64g'? network_policy~(ContainerNetworkPolicyDisabledParam|ContainerNetworkPolicyAllowlistParam)}
ProgrammaticToolCalling t{type:'programmatic_tool_calling'}
ImageGeneration t{type:'image_generation' action~'generate','edit','auto' background~'transparent','opaque','auto' complexity~'low','medium','high' frame_count~int frame_duration_ms~int input_fidelity~'high','low'? input_image_mask~ImageGenerationInputImageMask model~(str|'gpt-image-1','gpt-image-1-mini','gpt-image-2','gpt-image-2-2026-04-21','gpt-image-2.5-sunburst','gpt-image-2.5-sunburst-2026-09-08','gpt-image-2.5-flare','gpt-image-2.5-flare-2026-09-08','gpt-image-2.6-sunburst','gpt-image-2.6-flare','gpt-image-1.5','chatgpt-image-latest') moderation~'auto','low' output_compression~int output_format~'png','webp','jpeg','gif','svg' partial_images~int quality~'low','medium','high','xhigh','max','auto' size~(str|'1024x1024','1024x1536','1536x1024','auto') svg~ImageGenerationSvg}
ImageGenerationInputImageMask t{file_id~str image_url~str}
ImageGenerationSvg t{model~str reasoning~ImageGenerationSvgReasoning?}
ImageGenerationSvgReasoning t{effort~'none','minimal','low','medium','high','xhigh','max'}
LocalShell t{type:'local_shell'}
NamespaceToolParam t{description:str name:str tools:<(ToolFunction|CustomToolParam)> type:'namespace'}
ResponseConfigurationUpdateItemParamParam t{type:'configuration_update' id~str? reasoning~Reasoning text~Text#1}
Reasoning t{effort~'none','minimal','low','medium','high','xhigh','max'?}
Text#1 t{format:(ResponseFormatText|ResponseFormatTextJSONSchemaConfigParam)}
ResponseFormatText t{type:'text'}
ResponseFormatTextJSONSchemaConfigParam t{name:str schema:{any} type:'json_schema' description~str strict~bool?}
ResponseReasoningItemParam t{id:str summary:<Summary> type:'reasoning' content~<Content> encrypted_content~str? status~'in_progress','completed','incomplete'}
Summary t{text:str type:'summary_text'}
Content t{text:str type:'reasoning_text'}
ResponseCompactionItemParamParam t{encrypted_content:str type:'compaction' id~str?}
ImageGenerationCall t{id:str result:str? status:'in_progress','completed','generating','failed' type:'image_generation_call' action~'generate','edit','auto'? background~'transparent','opaque','auto'? error~ImageGenerationCallError output_format~'png','webp','jpeg','gif','svg'? quality~'low','medium','high','xhigh','max','auto'? revised_prompt~str? size~(str|'1024x1024','1024x1536','1536x1024')? svg_usage~ImageGenerationCallSvgUsage}
ImageGenerationCallError t{code:str? message:str param:str? type:str moderation_details~ImageGenerationCallErrorModerationDetails}
ImageGenerationCallErrorModerationDetails t{categories:[str] moderation_stage:'input','output','unknown'}
ImageGenerationCallSvgUsage t{input_tokens:int model:str output_tokens:int reasoning_tokens:int total_tokens:int}
ResponseCodeInterpreterToolCallParam t{id:str code:str? container_id:str outputs:<(OutputLogs|OutputImage)>? status:'in_progress','completed','incomplete','interpreting','failed' type:'code_interpreter_call'}
OutputLogs t{logs:str type:'logs'}
OutputImage t{type:'image' url:str}
LocalShellCall t{id:str action:LocalShellCallAction call_id:str status:'in_progress','completed','incomplete' type:'local_shell_call'}
LocalShellCallAction t{command:[str] env:{str} type:'exec' timeout_ms~int? user~str? working_directory~str?}
LocalShellCallOutput t{id:str output:str type:'local_shell_call_output' status~'in_progress','completed','incomplete'?}
ShellCall t{action:ShellCallAction call_id:str type:'shell_call' id~str? caller~(ShellCallCallerDirect|ShellCallCallerProgram)? environment~(LocalEnvironmentParam|ContainerReferenceParam)? status~'in_progress','completed','incomplete'?}
ShellCallAction t{commands:[str] max_output_length~int? timeout_ms~int?}
ShellCallCallerDirect t{type:'direct'}
ShellCallCallerProgram t{caller_id:str type:'program'}
ShellCallOutput t{call_id:str output:<ResponseFunctionShellCallOutputContentParam> type:'shell_call_output' id~str? caller~(ShellCallOutputCallerDirect|ShellCallOutputCallerProgram)? max_output_length~int? status~'in_progress','completed','incomplete'?}
ResponseFunctionShellCallOutputContentParam t{outcome:(OutcomeTimeout|OutcomeExit) stderr:str stdout:str}
OutcomeTimeout t{type:'timeout'}
OutcomeExit t{exit_code:int type:'exit'}
ShellCallOutputCallerDirect t{type:'direct'}
ShellCallOutputCallerProgram t{caller_id:str type:'program'}
ApplyPatchCall t{call_id:str operation:(ApplyPatchCallOperationCreateFile|ApplyPatchCallOperationDeleteFile|ApplyPatchCallOperationUpdateFile) status:'in_progress','completed' type:'apply_patch_call' id~str? caller~(ApplyPatchCallCallerDirect|ApplyPatchCallCallerProgram)?}
ApplyPatchCallOperationCreateFile t{diff:str path:str type:'create_file'}
ApplyPatchCallOperationDeleteFile t{path:str type:'delete_file'}
ApplyPatchCallOperationUpdateFile t{diff:str path:str type:'update_file'}
ApplyPatchCallCallerDirect t{type:'direct'}
ApplyPatchCallCallerProgram t{caller_id:str type:'program'}
ApplyPatchCallOutput t{call_id:str status:'completed','failed' type:'apply_patch_call_output' id~str? caller~(ApplyPatchCallOutputCallerDirect|ApplyPatchCallOutputCallerProgram)? output~str?}
ApplyPatchCallOutputCallerDirect t{type:'direct'}
ApplyPatchCallOutputCallerProgram t{caller_id:str type:'program'}
McpListTools t{id:str server_label:str tools:<McpListToolsTool> type:'mcp_list_tools' error~str?}
McpListToolsTool t{input_schema:any name:str annotations~any? description~str?}
McpApprovalRequest t{id:str arguments:str name:str server_label:str type:'mcp_approval_request'}
McpApprovalResponse t{approval_request_id:str approve:bool type:'mcp_approval_response' id~str? reason~str?}
McpCall t{id:str arguments:str name:str server_label:str type:'mcp_call' approval_request_id~str? error~(McpProtocolError|McpToolExecutionError|HTTPError)? output~str? status~'in_progress','completed','incomplete','calling','failed'}
McpProtocolError t{code:int message:str type:'mcp_protocol_error'}
McpToolExecutionError t{content:any type:'mcp_tool_execution_error'}
HTTPError t{code:int message:str type:'http_error'}
ResponseCustomToolCallOutputParam t{call_id:str output:(str|<(ResponseInputTextParam|ResponseInputImageParam|ResponseInputFileParam)>) type:'custom_tool_call_output' id~str caller~(CallerDirect|CallerProgram)?}
ResponseCustomToolCallParam t{async~bool call_id:str input:str name:str type:'custom_tool_call' id~str caller~(CallerDirect|CallerProgram)? namespace~str}
CompactionTrigger t{type:'compaction_trigger' id~str?}
ItemReference t{id:str type~'item_reference'?}
Program t{id:str call_id:str code:str fingerprint:str type:'program'}
ProgramOutput t{id:str call_id:str result:str status:'completed','incomplete' type:'program_output'}
ResponseOutputMessage m{id:str content:[(ResponseOutputText|ResponseOutputRefusal)] role:'assistant' status:'in_progress','completed','incomplete' type:'message' phase~'commentary','final_answer'?=null}
ResponseOutputText m{annotations:[(AnnotationFileCitation#1|AnnotationURLCitation#1|AnnotationContainerFileCitation#1|AnnotationFilePath#1)] text:str type:'output_text' logprobs~[Logprob#1]?=null}
AnnotationFileCitation#1 m{file_id:str filename:str index:int type:'file_citation'}
AnnotationURLCitation#1 m{end_index:int start_index:int title:str type:'url_citation' url:str}
AnnotationContainerFileCitation#1 m{container_id:str end_index:int file_id:str filename:str start_index:int type:'container_file_citation'}
AnnotationFilePath#1 m{file_id:str index:int type:'file_path'}
Logprob#1 m{token:str bytes:[int] logprob:float top_logprobs:[LogprobTopLogprob#1]}
LogprobTopLogprob#1 m{token:str bytes:[int] logprob:float}
ResponseOutputRefusal m{refusal:str type:'refusal'}
ResponseFileSearchToolCall m{id:str queries:[str] status:'in_progress','searching','completed','incomplete','failed' type:'file_search_call' results~[Result#1]?=null}
Result#1 m{attributes~{(str|float|bool)}?=null file_id~str?=null filename~str?=null score~float?=null text~str?=null}
ResponseFunctionToolCall m{arguments:str call_id:str name:str type:'function_call' id~str?=null async~bool?=null caller~(CallerDirect#3|CallerProgram#3)??=null namespace~str?=null status~'in_progress','completed','incomplete'?=null}
CallerDirect#3 m{type:'direct'}
CallerProgram#3 m{caller_id:str type:'program'}
ResponseFunctionToolCallOutputItem m{id:str output:(str|[(ResponseInputText|ResponseInputImage|ResponseInputFile)]) status:'in_progress','completed','incomplete' type:'function_call_output' call_id~str?=null caller~(CallerDirect#3|CallerProgram#3)??=null created_by~str?=null name~str?=null namespace~str?=null}
ResponseInputText m{text:str type:'input_text' prompt_cache_breakpoint~PromptCacheBreakpoint#6?=null}
PromptCacheBreakpoint#6 m{mode:'explicit' ttl~'30m','12h'?=null}
ResponseInputImage m{detail:'low','high','auto','original' type:'input_image' file_id~str?=null image_url~str?=null prompt_cache_breakpoint~PromptCacheBreakpoint#6?=null}
ResponseInputFile m{type:'input_file' detail~'auto','low','high'?=null file_data~str?=null file_id~str?=null file_url~str?=null filename~str?=null prompt_cache_breakpoint~PromptCacheBreakpoint#6?=null}
ResponseFunctionWebSearch m{id:str action:(ActionSearch#1|ActionOpenPage#1|ActionFind#1) status:'in_progress','searching','completed','failed','incomplete' type:'web_search_call'}
ActionSearch#1 m{type:'search' queries~[str]?=null query~str?=null sources~[ActionSearchSource#1]?=null}
ActionSearchSource#1 m{type:'url' url:str}
ActionOpenPage#1 m{type:'open_page' url~str?=null}
ActionFind#1 m{pattern:str type:'find_in_page' url:str}
ResponseComputerToolCall m{id:str call_id:str pending_safety_checks:[PendingSafetyCheck#1] status:'in_progress','completed','incomplete' type:'computer_call' action~(ActionClick#1|ActionDoubleClick#1|ActionDrag#1|ActionKeypress#1|ActionMove#1|ActionScreenshot#1|ActionScroll#1|ActionType#1|ActionWait#1)?=null actions~[(Click#1|DoubleClick#1|Drag#1|Keypress#1|Move#1|Screenshot#1|Scroll#1|Type#1|Wait#1)]?=null}
PendingSafetyCheck#1 m{id:str code~str?=null message~str?=null}
ActionClick#1 m{button:'left','right','wheel','back','forward' type:'click' x:int y:int keys~[str]?=null}
ActionDoubleClick#1 m{keys~[str]?=null type:'double_click' x:int y:int}
ActionDrag#1 m{path:[ActionDragPath#1] type:'drag' keys~[str]?=null}
ActionDragPath#1 m{x:int y:int}
ActionKeypress#1 m{keys:[str] type:'keypress'}
ActionMove#1 m{type:'move' x:int y:int keys~[str]?=null}
ActionScreenshot#1 m{type:'screenshot'}
ActionScroll#1 m{scroll_x:int scroll_y:int type:'scroll' x:int y:int keys~[str]?=null}
ActionType#1 m{text:str type:'type'}
ActionWait#1 m{type:'wait'}
Click#1 m{button:'left','right','wheel','back','forward' type:'click' x:int y:int keys~[str]?=null}
DoubleClick#1 m{keys~[str]?=null type:'double_click' x:int y:int}
Drag#1 m{path:[DragPath#1] type:'drag' keys~[str]?=null}
DragPath#1 m{x:int y:int}
Keypress#1 m{keys:[str] type:'keypress'}
Move#1 m{type:'move' x:int y:int keys~[str]?=null}
Screenshot#1 m{type:'screenshot'}
Scroll#1 m{scroll_x:int scroll_y:int type:'scroll' x:int y:int keys~[str]?=null}
Type#1 m{text:str type:'type'}
Wait#1 m{type:'wait'}
ResponseComputerToolCallOutputItem m{id:str call_id:str output:ResponseComputerToolCallOutputScreenshot status:'completed','incomplete','failed','in_progress' type:'computer_call_output' acknowledged_safety_checks~[AcknowledgedSafetyCheck]?=null created_by~str?=null}
ResponseComputerToolCallOutputScreenshot m{type:'computer_screenshot' file_id~str?=null image_url~str?=null}
AcknowledgedSafetyCheck m{id:str code~str?=null message~str?=null}
ResponseReasoningItem m{id:str summary:[Summary#1] type:'reasoning' content~[Content#1]?=null encrypted_content~str?=null status~'in_progress','completed','incomplete'?=null}
Summary#1 m{text:str type:'summary_text'}
Content#1 m{text:str type:'reasoning_text'}
Program#1 m{id:str call_id:str code:str fingerprint:str type:'program'}
ProgramOutput#1 m{id:str call_id:str result:str status:'completed','incomplete' type:'program_output'}
ResponseToolSearchCall m{id:str arguments:any call_id~str?=null execution:'server','client' status:'in_progress','completed','incomplete' type:'tool_search_call' created_by~str?=null}
ResponseToolSearchOutputItem m{id:str call_id~str?=null execution:'server','client' status:'in_progress','completed','incomplete' tools:[(FunctionTool|FileSearchTool|ComputerTool|ComputerUsePreviewTool|WebSearchTool|Mcp#1|CodeInterpreter#1|ProgrammaticToolCalling#1|ImageGeneration#1|LocalShell#1|FunctionShellTool|CustomTool|NamespaceTool|ToolSearchTool|WebSearchPreviewTool|ApplyPatchTool)] type:'tool_search_output' created_by~str?=null}
FunctionTool m{name:str parameters~{any}?=null strict~bool?=null type:'function' allowed_callers~['direct','programmatic']?=null async~bool?=null defer_loading~bool?=null description~str?=null output_schema~{any}?=null}
FileSearchTool m{type:'file_search' vector_store_ids:[str] filters~(ComparisonFilter#1|CompoundFilter#1)?=null max_num_results~int?=null ranking_options~RankingOptions#1?=null}
ComparisonFilter#1 m{key:str type:'eq','ne','gt','gte','lt','lte','in','nin' value:(str|float|bool|[(str|float)])}
CompoundFilter#1 m{filters:[(ComparisonFilter#1|any)] type:'and','or'}
RankingOptions#1 m{hybrid_search~RankingOptionsHybridSearch#1?=null ranker~'auto','default-2024-11-15'?=null score_threshold~float?=null}
RankingOptionsHybridSearch#1 m{embedding_weight:float text_weight:float}
ComputerTool m{type:'computer'}
ComputerUsePreviewTool m{display_height:int display_width:int environment:'windows','mac','linux','ubuntu','browser' type:'computer_use_preview'}
WebSearchTool m{type:'web_search','web_search_2025_08_26' external_web_access~bool?=null filters~Filters#1?=null search_context_size~'low','medium','high'?=null user_location~UserLocation#2?=null}
Filters#1 m{allowed_domains~[str]?=null}
UserLocation#2 m{city~str?=null country~str?=null region~str?=null timezone~str?=null type~'approximate'?=null}
Mcp#1 m{server_label:str type:'mcp' allowed_callers~['direct','programmatic']?=null allowed_tools~([str]|McpAllowedToolsMcpToolFilter#1)?=null authorization~str?=null connector_id~'connector_dropbox','connector_gmail','connector_googlecalendar','connector_googledrive','connector_microsoftteams','connector_outlookcalendar','connector_outlookemail','connector_sharepoint'?=null defer_loading~bool?=null headers~{str}?=null require_approval~(McpRequireApprovalMcpToolApprovalFilter#1|'always','never')?=null server_description~str?=null server_url~str?=null tunnel_id~str?=null}
McpAllowedToolsMcpToolFilter#1 m{read_only~bool?=null tool_names~[str]?=null}
McpRequireApprovalMcpToolApprovalFilter#1 m{always~McpRequireApprovalMcpToolApprovalFilterAlways#1?=null never~McpRequireApprovalMcpToolApprovalFilterNever#1?=null}
McpRequireApprovalMcpToolApprovalFilterAlways#1 m{read_only~bool?=null tool_names~[str]?=null}
McpRequireApprovalMcpToolApprovalFilterNever#1 m{read_only~bool?=null tool_names~[str]?=null}
CodeInterpreter#1 m{container:(str|CodeInterpreterContainerCodeInterpreterToolAuto#1) type:'code_interpreter' allowed_callers~['direct','programmatic']?=null}
CodeInterpreterContainerCodeInterpreterToolAuto#1 m{type:'auto' file_ids~[str]?=null memory_limit~'1g','4g','16g','64g'?=null network_policy~(ContainerNetworkPolicyDisabled|ContainerNetworkPolicyAllowlist)?=null}
ContainerNetworkPolicyDisabled m{type:'disabled'}
ContainerNetworkPolicyAllowlist m{allowed_domains:[str] type:'allowlist' domain_secrets~[ContainerNetworkPolicyDomainSecret]?=null}
ContainerNetworkPolicyDomainSecret m{domain:str name:str value:str}
ProgrammaticToolCalling#1 m{type:'programmatic_tool_calling'}
ImageGeneration#1 m{type:'image_generation' action~'generate','edit','auto'?=null background~'transparent','opaque','auto'?=null complexity~'low','medium','high'?=null frame_count~int?=null frame_duration_ms~int?=null input_fidelity~'high','low'?=null input_image_mask~ImageGenerationInputImageMask#1?=null model~(str|'gpt-image-1','gpt-image-1-mini','gpt-image-2','gpt-image-2-2026-04-21','gpt-image-2.5-sunburst','gpt-image-2.5-sunburst-2026-09-08','gpt-image-2.5-flare','gpt-image-2.5-flare-2026-09-08','gpt-image-2.6-sunburst','gpt-image-2.6-flare','gpt-image-1.5','chatgpt-image-latest')?=null moderation~'auto','low'?=null output_compression~int?=null output_format~'png','webp','jpeg','gif','svg'?=null partial_images~int?=null quality~'low','medium','high','xhigh','max','auto'?=null size~(str|'1024x1024','1024x1536','1536x1024','auto')?=null svg~ImageGenerationSvg#1?=null}
ImageGenerationInputImageMask#1 m{file_id~str?=null image_url~str?=null}
ImageGenerationSvg#1 m{model~str?=null reasoning~ImageGenerationSvgReasoning#1?=null}
ImageGenerationSvgReasoning#1 m{effort~'none','minimal','low','medium','high','xhigh','max'?=null}
LocalShell#1 m{type:'local_shell'}
FunctionShellTool m{type:'shell' allowed_callers~['direct','programmatic']?=null environment~(ContainerAuto|LocalEnvironment|ContainerReference)??=null}
ContainerAuto m{type:'container_auto' file_ids~[str]?=null memory_limit~'1g','4g','16g','64g'?=null network_policy~(ContainerNetworkPolicyDisabled|ContainerNetworkPolicyAllowlist)?=null skills~[(SkillReference|InlineSkill)]?=null}
SkillReference m{skill_id:str type:'skill_reference' version~str?=null}
InlineSkill m{description:str name:str source:InlineSkillSource type:'inline'}
InlineSkillSource m{data:str media_type:'application/zip' type:'base64'}
LocalEnvironment m{type:'local' skills~[LocalSkill]?=null}
LocalSkill m{description:str name:str path:str}
ContainerReference m{container_id:str type:'container_reference'}
CustomTool m{name:str type:'custom' allowed_callers~['direct','programmatic']?=null async~bool?=null defer_loading~bool?=null description~str?=null format~(Text#2|Grammar#1)?=null}
Text#2 m{type:'text'}
Grammar#1 m{definition:str syntax:'lark','regex' type:'grammar'}
NamespaceTool m{description:str name:str tools:[(ToolFunction#2|CustomTool)] type:'namespace'}
ToolFunction#2 m{name:str type:'function' allowed_callers~['direct','programmatic']?=null async~bool?=null defer_loading~bool?=null description~str?=null output_schema~{any}?=null parameters~any?=null strict~bool?=null}
ToolSearchTool m{type:'tool_search' description~str?=null execution~'server','client'?=null parameters~any?=null}
WebSearchPreviewTool m{type:'web_search_preview','web_search_preview_2025_03_11' search_content_types~['text','image']?=null search_context_size~'low','medium','high'?=null user_location~UserLocation#3?=null}
UserLocation#3 m{type:'approximate' city~str?=null country~str?=null region~str?=null timezone~str?=null}
ApplyPatchTool m{type:'apply_patch' allowed_callers~['direct','programmatic']?=null}
AdditionalTools#1 m{id:str role:'unknown','user','assistant','system','critic','discriminator','developer','tool' tools:[(FunctionTool|FileSearchTool|ComputerTool|ComputerUsePreviewTool|WebSearchTool|Mcp#1|CodeInterpreter#1|ProgrammaticToolCalling#1|ImageGeneration#1|LocalShell#1|FunctionShellTool|CustomTool|NamespaceTool|ToolSearchTool|WebSearchPreviewTool|ApplyPatchTool)] type:'additional_tools'}
ResponseCompactionItem m{id:str encrypted_content:str type:'compaction' created_by~str?=null}
ImageGenerationCall#1 m{id:str result~str?=null status:'in_progress','completed','generating','failed' type:'image_generation_call' action~'generate','edit','auto'?=null background~'transparent','opaque','auto'?=null error~ImageGenerationCallError#1?=null output_format~'png','webp','jpeg','gif','svg'?=null quality~'low','medium','high','xhigh','max','auto'?=null revised_prompt~str?=null size~(str|'1024x1024','1024x1536','1536x1024')?=null svg_usage~ImageGenerationCallSvgUsage#1?=null}
ImageGenerationCallError#1 m{code~str?=null message:str param~str?=null type:str moderation_details~ImageGenerationCallErrorModerationDetails#1?=null}
ImageGenerationCallErrorModerationDetails#1 m{categories:[str] moderation_stage:'input','output','unknown'}
ImageGenerationCallSvgUsage#1 m{input_tokens:int model:str output_tokens:int reasoning_tokens:int total_tokens:int}
ResponseCodeInterpreterToolCall m{id:str code~str?=null container_id:str outputs~[(OutputLogs#1|OutputImage#1)]?=null status:'in_progress','completed','incomplete','interpreting','failed' type:'code_interpreter_call'}
OutputLogs#1 m{logs:str type:'logs'}
OutputImage#1 m{type:'image' url:str}
LocalShellCall#1 m{id:str action:LocalShellCallAction#1 call_id:str status:'in_progress','completed','incomplete' type:'local_shell_call'}
LocalShellCallAction#1 m{command:[str] env:{str} type:'exec' timeout_ms~int?=null user~str?=null working_directory~str?=null}
LocalShellCallOutput#1 m{id:str output:str type:'local_shell_call_output' status~'in_progress','completed','incomplete'?=null}
ResponseFunctionShellToolCall m{id:str action:Action call_id:str environment~(ResponseLocalEnvironment|ResponseContainerReference)??=null status:'in_progress','completed','incomplete' type:'shell_call' caller~(CallerDirect#3|CallerProgram#3)??=null created_by~str?=null}
Action m{commands:[str] max_output_length~int?=null timeout_ms~int?=null}
ResponseLocalEnvironment m{type:'local'}
ResponseContainerReference m{container_id:str type:'container_reference'}
ResponseFunctionShellToolCallOutput m{id:str call_id:str max_output_length~int?=null output:[Output] status:'in_progress','completed','incomplete' type:'shell_call_output' caller~(CallerDirect#3|CallerProgram#3)??=null created_by~str?=null}
Output m{outcome:(OutputOutcomeTimeout|OutputOutcomeExit) stderr:str stdout:str created_by~str?=null}
OutputOutcomeTimeout m{type:'timeout'}
OutputOutcomeExit m{exit_code:int type:'exit'}
ResponseApplyPatchToolCall m{id:str call_id:str operation:(OperationCreateFile|OperationDeleteFile|OperationUpdateFile) status:'in_progress','completed' type:'apply_patch_call' caller~(CallerDirect#3|CallerProgram#3)??=null created_by~str?=null}
OperationCreateFile m{diff:str path:str type:'create_file'}
OperationDeleteFile m{path:str type:'delete_file'}
OperationUpdateFile m{diff:str path:str type:'update_file'}
ResponseApplyPatchToolCallOutput m{id:str call_id:str status:'completed','failed' type:'apply_patch_call_output' caller~(CallerDirect#3|CallerProgram#3)??=null created_by~str?=null output~str?=null}
McpCall#1 m{id:str arguments:str name:str server_label:str type:'mcp_call' approval_request_id~str?=null error~(McpProtocolError#1|McpToolExecutionError#1|HTTPError#1)?=null output~str?=null status~'in_progress','completed','incomplete','calling','failed'?=null}
McpProtocolError#1 m{code:int message:str type:'mcp_protocol_error'}
McpToolExecutionError#1 m{content:any type:'mcp_tool_execution_error'}
HTTPError#1 m{code:int message:str type:'http_error'}
McpListTools#1 m{id:str server_label:str tools:[McpListToolsTool#1] type:'mcp_list_tools' error~str?=null}
McpListToolsTool#1 m{input_schema:any name:str annotations~any?=null description~str?=null}
McpApprovalRequest#1 m{id:str arguments:str name:str server_label:str type:'mcp_approval_request'}
McpApprovalResponse#1 m{id:str approval_request_id:str approve:bool type:'mcp_approval_response' reason~str?=null}
ResponseCustomToolCall m{call_id:str input:str name:str type:'custom_tool_call' id~str?=null async~bool?=null caller~(CallerDirect#3|CallerProgram#3)??=null namespace~str?=null}
ResponseCustomToolCallOutputItem m{call_id:str output:(str|[(ResponseInputText|ResponseInputImage|ResponseInputFile)]) type:'custom_tool_call_output' id:str caller~(CallerDirect#3|CallerProgram#3)??=null status:'in_progress','completed','incomplete' created_by~str?=null}
ResponsePrompt m{id:str variables~{(str|ResponseInputText|ResponseInputImage|ResponseInputFile)}?=null version~str?=null}
Reasoning#1 m{context~'auto','current_turn','all_turns'?=null effort~'none','minimal','low','medium','high','xhigh','max'?=null generate_summary~'auto','concise','detailed'?=null mode~(str|'standard','pro')?=null summary~'auto','concise','detailed'?=null}
ResponseTextConfig m{format~(ResponseFormatText#1|ResponseFormatTextJSONSchemaConfig|ResponseFormatJSONObject)?=null verbosity~'low','medium','high'?=null}
ResponseFormatText#1 m{type:'text'}
ResponseFormatTextJSONSchemaConfig m{name:str schema:{any} type:'json_schema' description~str?=null strict~bool?=null}
ResponseFormatJSONObject m{type:'json_object'}
ToolChoiceAllowed m{mode:'auto','required' tools:[{any}] type:'allowed_tools'}
ToolChoiceTypes m{type:'file_search','web_search_preview','computer','computer_use_preview','computer_use','web_search_preview_2025_03_11','image_generation','code_interpreter'}
ToolChoiceFunction m{name:str type:'function'}
ToolChoiceMcp m{server_label:str type:'mcp' name~str?=null}
ToolChoiceCustom m{name:str type:'custom'}
ToolChoiceSpecificProgrammaticToolCallingParam m{type:'programmatic_tool_calling'}
ToolChoiceApplyPatch m{type:'apply_patch'}
ToolChoiceShell m{type:'shell'}
`;
