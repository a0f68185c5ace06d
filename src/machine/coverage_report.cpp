#include "machine/coverage_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "kasan/instrumentation.h"
#include "loader/pe_format.h"
#include "loader/symbols/unwind.h"
#include "trap/instruction.h"

namespace drydock {
namespace {

constexpr std::string_view kCallback = "__sanitizer_cov_trace_pc";
constexpr std::string_view kWdkHeaders = "/include/wdk/";
constexpr std::uint32_t kInstructionMax = 15;

using PdataRow = pe::RuntimeFunction;

std::uint32_t callback_slot(const PeImage& pe) {
  for (const PeImport& import : pe.imports)
    if (import.module == kInstrumentationModule && import.name == kCallback) return import.slot_rva;
  return 0;
}

std::optional<Instruction> instruction_at(const PeImage& pe, std::uint32_t rva, std::uint32_t end) {
  const auto bytes = pe.view(rva, std::min(kInstructionMax, end - rva));
  if (!bytes) return std::nullopt;
  return decode({reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()});
}

/// Where a call or jump goes: an RVA of code; or the slot it reads its target from, if `through_slot`.
std::optional<std::uint32_t> target_of(const Instruction& instruction, std::uint32_t rva, bool through_slot) {
  const ZydisDecodedOperand& operand = instruction.operands[0];
  if (!through_slot && operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operand.imm.is_relative)
    return rva + instruction.length() + static_cast<std::uint32_t>(operand.imm.value.s);
  if (through_slot && operand.type == ZYDIS_OPERAND_TYPE_MEMORY && operand.mem.base == ZYDIS_REGISTER_RIP)
    return rva + instruction.length() + static_cast<std::uint32_t>(operand.mem.disp.value);
  return std::nullopt;
}

/// Directly through the import's slot, or by way of the linker's jump to it.
bool calls_slot(const PeImage& pe, const Instruction& call, std::uint32_t rva, std::uint32_t slot) {
  if (!call.is(ZYDIS_MNEMONIC_CALL)) return false;
  if (const auto read = target_of(call, rva, true)) return *read == slot;
  const auto stub = target_of(call, rva, false);
  if (!stub || *stub >= pe.size) return false;
  const auto jump = instruction_at(pe, *stub, pe.size);
  return jump && jump->is(ZYDIS_MNEMONIC_JMP) && target_of(*jump, *stub, true) == slot;
}

bool ends_block(const Instruction& instruction) {
  switch (instruction.decoded.meta.category) {
    case ZYDIS_CATEGORY_COND_BR: case ZYDIS_CATEGORY_UNCOND_BR: case ZYDIS_CATEGORY_RET: case ZYDIS_CATEGORY_INTERRUPT: return true;
    default: return instruction.is(ZYDIS_MNEMONIC_UD2);
  }
}

/// Cuts a function behind each jump, and before each call of the callback but the first behind a jump.
void cut(const PeImage& pe, const FunctionEntry& function, std::uint32_t slot, std::vector<CodeBlock>& blocks) {
  CodeBlock block{function.begin, {}, 0};
  const auto close = [&] {
    if (!block.instructions.empty()) blocks.push_back(std::move(block));
    block = {function.begin, {}, 0};
  };
  for (std::uint32_t at = function.begin; at < function.end;) {
    const auto instruction = instruction_at(pe, at, function.end);
    if (!instruction) break;  // data between functions' ends: nothing of it runs
    if (calls_slot(pe, *instruction, at, slot)) {
      if (block.counted_at != 0) close();
      block.counted_at = at + instruction->length();
    }
    block.instructions.push_back(at);
    if (ends_block(*instruction)) close();
    at += instruction->length();
  }
  close();
}

struct LineCounts {
  std::map<std::uint32_t, std::uint64_t> by_function;  ///< the most of each
  std::uint64_t sum() const {
    std::uint64_t sum = 0;
    for (const auto& [function, count] : by_function) sum += count;
    return sum;
  }
};

struct FunctionCount {
  std::uint32_t line = 0;
  std::uint64_t count = 0;
};

struct FileCounts {
  std::map<std::uint32_t, LineCounts> lines;
  std::map<std::string, FunctionCount> functions;
};

const SourceLocation* own_place(const std::vector<SourceLocation>& chain) {
  for (const SourceLocation& place : chain)
    if (place.line != 0 && !place.file_path.empty() && place.file_path.find(kWdkHeaders) == std::string::npos) return &place;
  return nullptr;
}

using Files = std::map<std::string, FileCounts>;

void add_block(Files& files, const CodeBlock& block, std::uint64_t count, const LinesAt& lines) {
  for (const std::uint32_t rva : block.instructions) {
    const auto chain = lines(rva);
    const SourceLocation* place = own_place(chain);
    if (place == nullptr) continue;
    std::uint64_t& most = files[place->file_path].lines[place->line].by_function[block.function];
    most = std::max(most, count);
    if (rva != block.function) continue;
    const SourceLocation& outermost = chain.back();
    FunctionCount& function = files[outermost.file_path].functions[outermost.function];
    if (function.line == 0) function.line = outermost.line;
    function.count += count;
  }
}

std::string file_text(const std::string& path, const FileCounts& file) {
  std::string text = fmt::format("TN:\nSF:{}\n", path);
  std::size_t hit = 0;
  for (const auto& [name, function] : file.functions) text += fmt::format("FN:{},{}\n", function.line, name);
  for (const auto& [name, function] : file.functions) {
    text += fmt::format("FNDA:{},{}\n", function.count, name);
    hit += function.count != 0 ? 1 : 0;
  }
  text += fmt::format("FNF:{}\nFNH:{}\n", file.functions.size(), hit);
  hit = 0;
  for (const auto& [line, counts] : file.lines) {
    text += fmt::format("DA:{},{}\n", line, counts.sum());
    hit += counts.sum() != 0 ? 1 : 0;
  }
  return text + fmt::format("LF:{}\nLH:{}\nend_of_record\n", file.lines.size(), hit);
}

}  // namespace

std::vector<CodeBlock> blocks_of(const PeImage& pe) {
  std::vector<CodeBlock> blocks;
  const std::uint32_t slot = callback_slot(pe);
  for (std::uint32_t at = 0; slot != 0 && at + sizeof(PdataRow) <= pe.pdata_size; at += sizeof(PdataRow)) {
    const auto row = pe.load<PdataRow>(pe.pdata_rva + at);
    if (row && row->begin < row->end) cut(pe, {row->begin, row->end, row->unwind, pe.pdata_rva + at}, slot, blocks);
  }
  return blocks;
}

std::string lcov_text(const PeImage& pe, const std::vector<std::uint64_t>& counts, const LinesAt& lines) {
  Files files;
  for (const CodeBlock& block : blocks_of(pe))
    if (block.counted_at != 0 && block.counted_at < counts.size()) add_block(files, block, counts[block.counted_at], lines);
  std::string text;
  for (const auto& [path, file] : files) text += file_text(path, file);
  return text;
}

}  // namespace drydock
