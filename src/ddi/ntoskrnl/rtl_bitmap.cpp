// ntoskrnl.exe: Rtl…: bitmaps. A bitmap is a header in memory of the driver's and an array of ULONGs; bits outside it are a
// finding, and are neither read nor written.

#include <algorithm>
#include <bit>
#include <vector>

#include "ddi/modules.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr ULONG kNotFound = 0xFFFF'FFFF;

/// The header and its array, as drydock sees them.
class Bits {
 public:
  Bits(Call& call, RTL_BITMAP* header) : header_(call.object(header, "BitMapHeader")) {
    if (header_ != nullptr) words_ = reinterpret_cast<ULONG*>(call.range(header_->Buffer, (std::uint64_t{header_->SizeOfBitMap} + 31) / 32 * 4, true, "BitMapBuffer"));
  }
  ULONG size() const { return words_ == nullptr ? 0 : header_->SizeOfBitMap; }
  bool at(ULONG bit) const { return (words_[bit / 32] >> (bit % 32) & 1) != 0; }
  void set(ULONG bit, bool value) { words_[bit / 32] = (words_[bit / 32] & ~(1u << bit % 32)) | (value ? 1u << bit % 32 : 0u); }
  void fill(ULONG from, ULONG count, bool value) {
    for (ULONG i = 0; i < count; ++i) set(from + i, value);
  }
  /// How many bits from `from` on are `value`, at most `most`.
  ULONG run(ULONG from, bool value, ULONG most = kNotFound) const {
    ULONG length = 0;
    while (length < most && from + length < size() && at(from + length) == value) ++length;
    return length;
  }

 private:
  RTL_BITMAP* header_;
  ULONG* words_ = nullptr;
};

bool inside(Call& call, const Bits& bits, ULONG from, ULONG count) {
  if (std::uint64_t{from} + count <= bits.size()) return true;
  call.broken("DRY-32", "", fmt::format("{} was given bits {} to {} of a bitmap of {}", call.name(), from, std::uint64_t{from} + count, bits.size()));
  return false;
}

void initialize(Call& call, RTL_BITMAP* header, ULONG* buffer, ULONG size) {
  if (RTL_BITMAP* host = call.object(header, "BitMapHeader")) *host = {size, buffer};
}
template <bool Value>
void fill_bits(Call& call, RTL_BITMAP* header, ULONG from, ULONG count) {
  Bits bits(call, header);
  if (inside(call, bits, from, count)) bits.fill(from, count, Value);
}
template <bool Value>
void change_bit(Call& call, RTL_BITMAP* header, ULONG bit) { fill_bits<Value>(call, header, bit, 1); }
template <bool Value>
void fill_all(Call& call, RTL_BITMAP* header) {
  Bits bits(call, header);
  bits.fill(0, bits.size(), Value);
}
BOOLEAN test_bit(Call& call, RTL_BITMAP* header, ULONG bit) {
  const Bits bits(call, header);
  return inside(call, bits, bit, 1) && bits.at(bit);
}
template <bool Value>
ULONG count_bits(Call& call, RTL_BITMAP* header) {
  const Bits bits(call, header);
  ULONG count = 0;
  for (ULONG i = 0; i < bits.size(); ++i) count += bits.at(i) == Value;
  return count;
}
template <bool Value>
BOOLEAN are_bits(Call& call, RTL_BITMAP* header, ULONG from, ULONG count) {
  const Bits bits(call, header);
  return count != 0 && std::uint64_t{from} + count <= bits.size() && bits.run(from, Value, count) == count;
}

/// From the hint to the end, then from the beginning. A run of no bits is where the hint is, on a multiple of 8.
ULONG find(const Bits& bits, bool value, ULONG wanted, ULONG hint) {
  if (hint >= bits.size()) hint = 0;
  if (wanted == 0) return hint & ~7u;
  if (wanted > bits.size()) return kNotFound;
  const auto search = [&](ULONG from, ULONG to) {
    for (ULONG at = from; at < to && at + wanted <= bits.size();) {
      const ULONG length = bits.run(at, value, wanted);
      if (length == wanted) return at;
      at += length + 1;
    }
    return kNotFound;
  };
  const ULONG behind = search(hint, bits.size());
  return behind != kNotFound ? behind : search(0, hint);
}
template <bool Value, bool Change>
ULONG find_bits(Call& call, RTL_BITMAP* header, ULONG wanted, ULONG hint) {
  Bits bits(call, header);
  const ULONG found = find(bits, Value, wanted, hint);
  if (Change && found != kNotFound) bits.fill(found, wanted, !Value);
  return found;
}

std::vector<RTL_BITMAP_RUN> clear_runs(const Bits& bits, ULONG from = 0) {
  std::vector<RTL_BITMAP_RUN> runs;
  for (ULONG at = from; at < bits.size();) {
    at += bits.run(at, true);
    const ULONG length = at < bits.size() ? bits.run(at, false) : 0;
    if (length != 0) runs.push_back({at, length});
    at += length;
  }
  return runs;
}
ULONG give_run(Call& call, RTL_BITMAP_RUN run, ULONG* start) {
  if (ULONG* host = call.object(start, "StartingIndex")) *host = run.StartingIndex;
  return run.NumberOfBits;
}
bool longer(const RTL_BITMAP_RUN& a, const RTL_BITMAP_RUN& b) { return a.NumberOfBits > b.NumberOfBits; }

ULONG first_run(Call& call, RTL_BITMAP* header, ULONG* start) {
  const auto runs = clear_runs(Bits(call, header));
  return give_run(call, runs.empty() ? RTL_BITMAP_RUN{} : runs.front(), start);
}
ULONG longest_run(Call& call, RTL_BITMAP* header, ULONG* start) {
  auto runs = clear_runs(Bits(call, header));
  std::stable_sort(runs.begin(), runs.end(), longer);
  return give_run(call, runs.empty() ? RTL_BITMAP_RUN{} : runs.front(), start);
}
ULONG next_run(Call& call, RTL_BITMAP* header, ULONG from, ULONG* start) {
  const Bits bits(call, header);
  const auto runs = clear_runs(bits, std::min(from, bits.size()));
  return give_run(call, runs.empty() ? RTL_BITMAP_RUN{bits.size(), 0} : runs.front(), start);
}
/// The run that ends at or before `from`.
ULONG last_run(Call& call, RTL_BITMAP* header, ULONG from, ULONG* start) {
  const Bits bits(call, header);
  RTL_BITMAP_RUN found{};
  for (const RTL_BITMAP_RUN& run : clear_runs(bits))
    if (run.StartingIndex <= from) found = {run.StartingIndex, std::min(run.NumberOfBits, from - run.StartingIndex + 1)};
  return give_run(call, found, start);
}
ULONG find_runs(Call& call, RTL_BITMAP* header, RTL_BITMAP_RUN* array, ULONG size, BOOLEAN longest) {
  auto runs = clear_runs(Bits(call, header));
  if (longest) std::stable_sort(runs.begin(), runs.end(), longer);
  const auto count = static_cast<ULONG>(std::min<std::size_t>(size, runs.size()));
  auto* host = reinterpret_cast<RTL_BITMAP_RUN*>(call.range(array, count * sizeof *array, true, "RunArray"));
  if (host == nullptr) return 0;
  std::copy_n(runs.begin(), count, host);
  return count;
}
CCHAR least_bit(Call&, ULONGLONG set) { return static_cast<CCHAR>(set == 0 ? -1 : std::countr_zero(set)); }
CCHAR most_bit(Call&, ULONGLONG set) { return static_cast<CCHAR>(set == 0 ? -1 : 63 - std::countl_zero(set)); }

}  // namespace

// The pages allow any IRQL when header and buffer are in memory that is resident, as all memory here is.
std::vector<Row> rtl_bitmap_rows() {
  return {
      routine<"RtlInitializeBitMap", kAnyIrql, &initialize>(kModule, "nf-wdm-rtlinitializebitmap"),
      routine<"RtlSetBit", kAnyIrql, &change_bit<true>>(kModule, "nf-wdm-rtlsetbit"),
      routine<"RtlClearBit", kAnyIrql, &change_bit<false>>(kModule, "nf-wdm-rtlclearbit"),
      routine<"RtlTestBit", kAnyIrql, &test_bit>(kModule, "nf-wdm-rtltestbit"),
      routine<"RtlSetBits", kAnyIrql, &fill_bits<true>>(kModule, "nf-wdm-rtlsetbits"),
      routine<"RtlClearBits", kAnyIrql, &fill_bits<false>>(kModule, "nf-wdm-rtlclearbits"),
      routine<"RtlSetAllBits", kAnyIrql, &fill_all<true>>(kModule, "nf-wdm-rtlsetallbits"),
      routine<"RtlClearAllBits", kAnyIrql, &fill_all<false>>(kModule, "nf-wdm-rtlclearallbits"),
      routine<"RtlNumberOfSetBits", kAnyIrql, &count_bits<true>>(kModule, "nf-wdm-rtlnumberofsetbits"),
      routine<"RtlNumberOfClearBits", kAnyIrql, &count_bits<false>>(kModule, "nf-wdm-rtlnumberofclearbits"),
      routine<"RtlAreBitsSet", kAnyIrql, &are_bits<true>>(kModule, "nf-wdm-rtlarebitsset"),
      routine<"RtlAreBitsClear", kAnyIrql, &are_bits<false>>(kModule, "nf-wdm-rtlarebitsclear"),
      routine<"RtlFindSetBits", kAnyIrql, &find_bits<true, false>>(kModule, "nf-wdm-rtlfindsetbits"),
      routine<"RtlFindClearBits", kAnyIrql, &find_bits<false, false>>(kModule, "nf-wdm-rtlfindclearbits"),
      routine<"RtlFindSetBitsAndClear", kAnyIrql, &find_bits<true, true>>(kModule, "nf-wdm-rtlfindsetbitsandclear"),
      routine<"RtlFindClearBitsAndSet", kAnyIrql, &find_bits<false, true>>(kModule, "nf-wdm-rtlfindclearbitsandset"),
      routine<"RtlFindFirstRunClear", kAnyIrql, &first_run>(kModule, "nf-wdm-rtlfindfirstrunclear"),
      routine<"RtlFindLongestRunClear", kAnyIrql, &longest_run>(kModule, "nf-wdm-rtlfindlongestrunclear"),
      routine<"RtlFindNextForwardRunClear", kAnyIrql, &next_run>(kModule, "nf-wdm-rtlfindnextforwardrunclear"),
      routine<"RtlFindLastBackwardRunClear", kAnyIrql, &last_run>(kModule, "nf-wdm-rtlfindlastbackwardrunclear"),
      routine<"RtlFindClearRuns", kAnyIrql, &find_runs>(kModule, "nf-wdm-rtlfindclearruns"),
      routine<"RtlFindLeastSignificantBit", kAnyIrql, &least_bit>(kModule, "nf-wdm-rtlfindleastsignificantbit"),
      routine<"RtlFindMostSignificantBit", kAnyIrql, &most_bit>(kModule, "nf-wdm-rtlfindmostsignificantbit"),
  };
}

}  // namespace drydock::ddi
