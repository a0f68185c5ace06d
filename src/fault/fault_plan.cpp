#include "fault/fault_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace drydock {

namespace {

constexpr std::uint64_t kSeedsApart = 14;  // as it was with the first fourteen faults: their runs stay what they were

constexpr std::uint64_t kWhole = std::uint64_t{1} << 32;

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> part_of_whole(std::optional<double> part) {
  if (!part || !(*part > 0) || *part > 1) return std::nullopt;
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(*part * static_cast<double>(kWhole))));
}

/// "0.01", "1%", "1/100", "1"
std::optional<std::uint64_t> parse_rate(std::string_view text) {
  if (text.ends_with('%')) {
    const auto percent = number<double>(text.substr(0, text.size() - 1));
    return part_of_whole(percent ? std::optional(*percent / 100) : std::nullopt);
  }
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return part_of_whole(number<double>(text));
  const auto above = number<std::uint32_t>(text.substr(0, slash)), below = number<std::uint32_t>(text.substr(slash + 1));
  if (!above || !below || *below == 0) return std::nullopt;
  return part_of_whole(static_cast<double>(*above) / *below);
}

std::string all_names() {
  std::string names;
  for (const FaultDescription& each : fault_descriptions()) names += (names.empty() ? "" : ", ") + std::string(each.name);
  return names;
}

Result<void> take_rate(std::string_view text, std::string_view whole, FaultSpec& spec) {
  if (text.starts_with('#')) {
    const auto only = number<std::uint64_t>(text.substr(1));
    if (!only || *only == 0) return refuse("'{}': '{}' is no number of an opportunity; they count from #1", whole, text);
    spec.only = *only;
    return {};
  }
  const auto rate = parse_rate(text);
  if (!rate) return refuse("'{}': the rate '{}' is not above 0 and at most 1; write it as 0.01, 1%, 1/100, or #7 for the seventh time only", whole, text);
  spec.rate = *rate;
  return {};
}

}  // namespace

Result<FaultSpec> parse_fault(std::string_view text) {
  const auto sign = text.find('@');
  const std::string_view before = text.substr(0, sign);
  const auto equals = before.find('=');
  const FaultDescription* known = find_fault(before.substr(0, equals));
  if (known == nullptr) return refuse("there is no fault '{}'; there are {}", before.substr(0, equals), all_names());
  FaultSpec spec{known->point, kWhole / known->one_in};
  if (equals != std::string_view::npos) TRY_VOID(take_rate(before.substr(equals + 1), text, spec));
  if (sign == std::string_view::npos) return spec;
  spec.seed = number<std::uint64_t>(text.substr(sign + 1));
  if (!spec.seed) return refuse("'{}': the seed '{}' is not a number", text, text.substr(sign + 1));
  return spec;
}

Result<std::vector<FaultSpec>> parse_faults(std::span<const std::string> texts) {
  std::vector<FaultSpec> specs;
  for (const std::string& text : texts) {
    TRY(const FaultSpec spec, parse_fault(text));
    if (std::any_of(specs.begin(), specs.end(), [&](const FaultSpec& s) { return s.point == spec.point; }))
      return refuse("the fault {} is named twice", describe(spec.point).name);
    specs.push_back(spec);
  }
  return specs;
}

// Every fault has streams of its own: one more fault, or another rate of one, leaves the others as they were.
FaultPlan::FaultPlan(std::span<const FaultSpec> specs, std::uint64_t machine_seed, std::uint64_t stream, Trace& trace) : trace_(trace) {
  for (const FaultSpec& spec : specs) {
    Planned& planned = at(spec.point);
    planned.spec = spec;
    planned.count.planned = true;
    Seeded own((spec.seed.value_or(machine_seed) * kSeedsApart + static_cast<std::uint64_t>(spec.point)) ^ stream << 48);
    planned.chance = own.fork();
    planned.details = own.fork();
  }
}

bool FaultPlan::any(bool of_file) const {
  return std::any_of(planned_.begin(), planned_.end(),
                     [&](const Planned& p) { return p.count.planned && describe(p.spec.point).of_file == of_file; });
}

bool FaultPlan::decide(Planned& planned) {
  if (ended_) return false;
  const std::uint64_t turn = ++planned.count.opportunities;
  const bool now = planned.spec.only != 0 ? turn == planned.spec.only : planned.chance.next() >> 32 < planned.spec.rate;
  if (!now) return false;
  ++planned.count.strikes;
  trace_.note([&] { return FaultInjected{std::string(describe(planned.spec.point).name), turn}; });
  return true;
}

void FaultPlan::end() { ended_ = true; }

}  // namespace drydock
