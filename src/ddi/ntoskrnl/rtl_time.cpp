// ntoskrnl.exe: Rtl…: calendar times, versions, random numbers.

#include <chrono>

#include "ddi/modules.h"

namespace drydock::ddi {

namespace {

constexpr const char* kModule = "ntoskrnl.exe";
constexpr LONGLONG kSecond100ns = 10'000'000, kMillisecond100ns = 10'000;
constexpr LONGLONG kUntil1970 = 11'644'473'600, kUntil1980 = 11'960'006'400;  // seconds since 1601
constexpr std::chrono::sys_days k1601 = std::chrono::year{1601} / 1 / 1;

// --- calendar -----------------------------------------------------------------------------------------------------------------------

void time_to_fields(Call& call, LARGE_INTEGER* time, TIME_FIELDS* fields) {
  const LARGE_INTEGER* host = call.object<const LARGE_INTEGER>(time, "Time");
  TIME_FIELDS* out = call.object(fields, "TimeFields");
  if (host == nullptr || out == nullptr || host->QuadPart < 0) return;
  const LONGLONG milliseconds = host->QuadPart / kMillisecond100ns;
  const std::chrono::sys_days day = k1601 + std::chrono::days(milliseconds / 86'400'000);
  const std::chrono::year_month_day date(day);
  const auto rest = static_cast<int>(milliseconds % 86'400'000);
  *out = {static_cast<CSHORT>(static_cast<int>(date.year())), static_cast<CSHORT>(static_cast<unsigned>(date.month())), static_cast<CSHORT>(static_cast<unsigned>(date.day())),
          static_cast<CSHORT>(rest / 3'600'000), static_cast<CSHORT>(rest / 60'000 % 60), static_cast<CSHORT>(rest / 1000 % 60), static_cast<CSHORT>(rest % 1000),
          static_cast<CSHORT>(std::chrono::weekday(day).c_encoding())};
}

bool in(int value, int least, int most) { return value >= least && value <= most; }

// Weekday is not looked at.
BOOLEAN fields_to_time(Call& call, TIME_FIELDS* fields, LARGE_INTEGER* time) {
  const TIME_FIELDS* f = call.object<const TIME_FIELDS>(fields, "TimeFields");
  LARGE_INTEGER* out = call.object(time, "Time");
  if (f == nullptr || out == nullptr) return FALSE;
  const auto date = std::chrono::year{f->Year} / static_cast<unsigned>(f->Month) / static_cast<unsigned>(f->Day);
  if (!in(f->Year, 1601, 30827) || !in(f->Month, 1, 12) || !in(f->Day, 1, 31) || !date.ok()) return FALSE;
  if (!in(f->Hour, 0, 23) || !in(f->Minute, 0, 59) || !in(f->Second, 0, 59) || !in(f->Milliseconds, 0, 999)) return FALSE;
  const LONGLONG days = (std::chrono::sys_days(date) - k1601).count();
  out->QuadPart = (((days * 24 + f->Hour) * 60 + f->Minute) * 60 + f->Second) * kSecond100ns + f->Milliseconds * kMillisecond100ns;
  return TRUE;
}

template <LONGLONG Epoch>
BOOLEAN time_to_seconds(Call& call, LARGE_INTEGER* time, ULONG* seconds) {
  const LARGE_INTEGER* host = call.object<const LARGE_INTEGER>(time, "Time");
  ULONG* out = call.object(seconds, "ElapsedSeconds");
  if (host == nullptr || out == nullptr) return FALSE;
  const LONGLONG since = host->QuadPart / kSecond100ns - Epoch;
  if (since < 0 || since > 0xFFFF'FFFF) return FALSE;
  *out = static_cast<ULONG>(since);
  return TRUE;
}
template <LONGLONG Epoch>
void seconds_to_time(Call& call, ULONG seconds, LARGE_INTEGER* time) {
  if (LARGE_INTEGER* host = call.object(time, "Time")) host->QuadPart = (seconds + Epoch) * kSecond100ns;
}

// ASSUMED: the machine's clock shows UTC, so local time is system time. tests/drivers/wdm/kernel_routines
void same_time(Call& call, LARGE_INTEGER* from, LARGE_INTEGER* to) {
  const LARGE_INTEGER* host = call.object<const LARGE_INTEGER>(from, "Time");
  LARGE_INTEGER* out = call.object(to, "Time");
  if (host != nullptr && out != nullptr) *out = *host;
}

// --- versions ------------------------------------------------------------------------------------------------------------------------

/// Three bits for each part of the version: how it is to be compared.
ULONGLONG set_condition(Call&, ULONGLONG mask, ULONG type, UCHAR condition) {
  for (unsigned bit = 0; bit < 8; ++bit)
    if ((type >> bit & 1) != 0) mask = (mask & ~(ULONGLONG{7} << 3 * bit)) | ULONGLONG{condition & 7u} << 3 * bit;
  return mask;
}

bool holds(ULONG actual, ULONG wanted, unsigned condition) {
  switch (condition) {
    case VER_EQUAL: return actual == wanted;
    case VER_GREATER: return actual > wanted;
    case VER_GREATER_EQUAL: return actual >= wanted;
    case VER_LESS: return actual < wanted;
    case VER_LESS_EQUAL: return actual <= wanted;
    default: return false;
  }
}

struct VersionPart {
  unsigned bit;
  ULONG actual, wanted;
};

// Windows 10 22H2, a workstation. Major, minor and service pack go together: the first difference decides.
NTSTATUS verify_version(Call& call, RTL_OSVERSIONINFOEXW* info, ULONG type, ULONGLONG mask) {
  const RTL_OSVERSIONINFOEXW* host = call.object<const RTL_OSVERSIONINFOEXW>(info, "VersionInfo");
  if (host == nullptr || type == 0 || mask == 0) return STATUS_INVALID_PARAMETER;
  constexpr ULONG kWin32Nt = 2, kWorkstation = 1;
  const auto condition = [&](unsigned bit) { return static_cast<unsigned>(mask >> 3 * bit & 7); };
  const VersionPart alone[] = {{2, 19045, host->dwBuildNumber}, {3, kWin32Nt, host->dwPlatformId}, {7, kWorkstation, host->wProductType}};
  for (const VersionPart& part : alone)
    if ((type >> part.bit & 1) != 0 && !holds(part.actual, part.wanted, condition(part.bit))) return STATUS_REVISION_MISMATCH;
  const VersionPart together[] = {{1, 10, host->dwMajorVersion}, {0, 0, host->dwMinorVersion}, {5, 0, host->wServicePackMajor}, {4, 0, host->wServicePackMinor}};
  for (const VersionPart& part : together) {
    if ((type >> part.bit & 1) == 0) continue;
    if (part.actual != part.wanted) return holds(part.actual, part.wanted, condition(part.bit)) ? STATUS_SUCCESS : STATUS_REVISION_MISMATCH;
    if (!holds(part.actual, part.wanted, condition(part.bit)) && condition(part.bit) == VER_EQUAL) return STATUS_REVISION_MISMATCH;
  }
  return STATUS_SUCCESS;
}

constexpr ULONG kNtddiOf22H2 = 0x0A00000B;
BOOLEAN version_available(Call&, ULONG version) { return version <= kNtddiOf22H2; }

// --- random numbers ------------------------------------------------------------------------------------------------------------------

// A linear congruential generator modulo 2^31 - 1, from the caller's seed: equal seeds, equal numbers.
ULONG random(Call& call, ULONG* seed) {
  ULONG* host = call.object(seed, "Seed");
  if (host == nullptr) return 0;
  constexpr std::uint64_t kModulus = 0x7FFF'FFFF;
  *host = static_cast<ULONG>((std::uint64_t{*host} % kModulus + 1) * 48'271 % kModulus);
  return *host;
}

}  // namespace

std::vector<Row> rtl_time_rows() {
  return {
      routine<"RtlTimeToTimeFields", kAnyIrql, &time_to_fields>(kModule, "nf-wdm-rtltimetotimefields"),
      routine<"RtlTimeFieldsToTime", kAnyIrql, &fields_to_time>(kModule, "nf-wdm-rtltimefieldstotime"),
      routine<"RtlTimeToSecondsSince1970", kApcLevel, &time_to_seconds<kUntil1970>>(kModule, "nf-ntifs-rtltimetosecondssince1970"),
      routine<"RtlTimeToSecondsSince1980", kApcLevel, &time_to_seconds<kUntil1980>>(kModule, "nf-ntifs-rtltimetosecondssince1980"),
      routine<"RtlSecondsSince1970ToTime", kApcLevel, &seconds_to_time<kUntil1970>>(kModule, "nf-ntifs-rtlsecondssince1970totime"),
      routine<"RtlSecondsSince1980ToTime", kApcLevel, &seconds_to_time<kUntil1980>>(kModule, "nf-ntifs-rtlsecondssince1980totime"),
      routine<"ExSystemTimeToLocalTime", kAnyIrql, &same_time>(kModule, "nf-wdm-exsystemtimetolocaltime"),
      routine<"ExLocalTimeToSystemTime", kAnyIrql, &same_time>(kModule, "nf-wdm-exlocaltimetosystemtime"),
      routine<"VerSetConditionMask", kAnyIrql, &set_condition>(kModule, "nf-wdm-rtlverifyversioninfo"),
      routine<"RtlVerifyVersionInfo", kPassiveLevel, &verify_version>(kModule, "nf-wdm-rtlverifyversioninfo"),
      routine<"RtlIsNtDdiVersionAvailable", kPassiveLevel, &version_available>(kModule, "nf-wdm-rtlisntddiversionavailable"),
      routine<"RtlRandom", kApcLevel, &random>(kModule, "nf-ntifs-rtlrandom"),
      routine<"RtlRandomEx", kApcLevel, &random>(kModule, "nf-ntifs-rtlrandomex"),
  };
}

}  // namespace drydock::ddi
