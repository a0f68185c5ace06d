// The kernel's C library, called as a driver calls it.

#include <gtest/gtest.h>

#include <cstring>

#include "ddi/rig_for_tests.h"

namespace drydock::ddi {
namespace {

template <class F>
F library(const char* name) { return export_named<F>("ntoskrnl.exe", name); }

using Compare = MSABI int (*)(const char*, const char*);
using CompareUpTo = MSABI int (*)(const char*, const char*, std::uint64_t);
using Length = MSABI std::uint64_t (*)(const char*);

TEST(Library, ALengthIsCountedAcrossPagesAndBeyondFourKibibytes) {
  KernelForTests kernel;
  char* text = kernel.allocate(20'000);
  char* host = kernel.memory().alias(text);
  std::memset(host, 'x', 20'000);
  host[15'000] = 0;
  kernel.run([&] { EXPECT_EQ(library<Length>("strlen")(text), 15'000u); });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Library, ATextWhoseMemoryEndsBeforeItsTerminatorIsAFinding) {
  KernelForTests kernel;
  const auto run = *kernel.memory().allocate(1);
  const std::uint64_t pfn = kernel.memory().pfn(run.first);
  std::memset(kernel.memory().system(run.first), 'x', kPageSize);
  const std::uint64_t mapped = *kernel.mappings().map({&pfn, 1});
  kernel.run([&] { EXPECT_EQ(library<Length>("strlen")(reinterpret_cast<char*>(mapped + 96)), kPageSize - 96); });
  EXPECT_EQ(kernel.findings.size(), 1u);
}

TEST(Library, TextsCompareAsUnsignedBytesUpToACountAndWithoutCase) {
  KernelForTests kernel;
  kernel.run([&] {
    char a[] = "Alpha", b[] = "alphabet", high[] = "\xE9";
    EXPECT_LT(library<Compare>("strcmp")(a, b), 0);
    EXPECT_GT(library<Compare>("strcmp")(high, b), 0);
    EXPECT_LT(library<Compare>("_stricmp")(a, b), 0);
    EXPECT_EQ(library<CompareUpTo>("_strnicmp")(a, b, 5), 0);
    EXPECT_NE(library<CompareUpTo>("strncmp")(a, b, 5), 0);
    EXPECT_EQ(library<CompareUpTo>("strncmp")(a + 1, b + 1, 4), 0);
    EXPECT_EQ(library<CompareUpTo>("strncmp")(a, b, 0), 0);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Library, ACountedCopyFillsUpWithZeroesAndMayLeaveNone) {
  KernelForTests kernel;
  kernel.run([&] {
    const auto copy = library<MSABI char* (*)(char*, const char*, std::uint64_t)>("strncpy");
    char to[8] = "#######", from[] = "abc";
    EXPECT_EQ(copy(to, from, 2), to);
    EXPECT_STREQ(to, "ab#####");
    copy(to, from, 6);
    EXPECT_EQ(std::memcmp(to, "abc\0\0\0#", 8), 0);
  });
}

TEST(Library, TextsAreAppendedAndSearched) {
  KernelForTests kernel;
  kernel.run([&] {
    char text[16] = "disk", more[] = "0disk", wanted[] = "0d", missing[] = "zz";
    library<MSABI char* (*)(char*, const char*)>("strcat")(text, more);
    EXPECT_STREQ(text, "disk0disk");
    const auto find = library<MSABI const char* (*)(const char*, const char*)>("strstr");
    EXPECT_EQ(find(text, wanted), text + 4);
    EXPECT_EQ(find(text, missing), nullptr);
    EXPECT_EQ(library<MSABI const char* (*)(const char*, int)>("strchr")(text, 'k'), text + 3);
    EXPECT_EQ(library<MSABI const char* (*)(const char*, int)>("strrchr")(text, 'k'), text + 8);
    EXPECT_EQ(library<MSABI const char* (*)(const char*, int)>("strchr")(text, 0), text + 9);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Library, NumbersAreReadWithBlanksAndSignAndSaturate) {
  KernelForTests kernel;
  kernel.run([&] {
    const auto read = library<MSABI int (*)(const char*)>("atoi");
    char plain[] = " \t-42x", large[] = "99999999999", none[] = "x";
    EXPECT_EQ(read(plain), -42);
    EXPECT_EQ(read(large), 0x7FFFFFFF);
    EXPECT_EQ(read(none), 0);
  });
}

TEST(CountedStrings, WhatDoesNotFitIsCutOffByACopyAndRefusedByAnAppend) {
  KernelForTests kernel;
  kernel.run([&] {
    char16_t from[] = u"storport", room[6] = {};
    UNICODE_STRING source{}, target{0, sizeof room, room};
    library<MSABI void (*)(UNICODE_STRING*, const char16_t*)>("RtlInitUnicodeString")(&source, from);
    EXPECT_EQ(source.Length, 16u);
    EXPECT_EQ(source.MaximumLength, 18u);
    EXPECT_EQ(library<MSABI NTSTATUS (*)(UNICODE_STRING*, const UNICODE_STRING*)>("RtlAppendUnicodeStringToString")(&target, &source), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(target.Length, 0u);
    library<MSABI void (*)(UNICODE_STRING*, const UNICODE_STRING*)>("RtlCopyUnicodeString")(&target, &source);
    EXPECT_EQ(std::u16string(room, 6), u"storpo");
    EXPECT_EQ(target.Length, 12u);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(CountedStrings, CaseIsIgnoredOnlyWhenAsked) {
  KernelForTests kernel;
  kernel.run([&] {
    char16_t a[] = u"Straße É", b[] = u"STRAßE é";
    UNICODE_STRING x{16, 16, a}, y{16, 16, b};
    const auto equal = library<MSABI BOOLEAN (*)(UNICODE_STRING*, UNICODE_STRING*, BOOLEAN)>("RtlEqualUnicodeString");
    EXPECT_TRUE(equal(&x, &y, TRUE));
    EXPECT_FALSE(equal(&x, &y, FALSE));
  });
}

TEST(SystemRoutines, ARoutineIsFoundByItsNameAndAnUnknownOneIsNull) {
  KernelForTests kernel;
  kernel.run([&] {
    const auto get = library<MSABI void* (*)(UNICODE_STRING*)>("MmGetSystemRoutineAddress");
    char16_t known[] = u"KeQueryInterruptTime", unknown[] = u"KeDoWhatIMean";
    UNICODE_STRING a{sizeof known - 2, sizeof known, known}, b{sizeof unknown - 2, sizeof unknown, unknown};
    EXPECT_EQ(get(&a), find_row("ntoskrnl.exe", "KeQueryInterruptTime")->address);
    EXPECT_EQ(get(&b), nullptr);
  });
}

}  // namespace
}  // namespace drydock::ddi
