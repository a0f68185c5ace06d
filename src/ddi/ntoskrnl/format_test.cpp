#include "ddi/ntoskrnl/format.h"

#include <gtest/gtest.h>

#include <cstring>

#include "ddi/rig_for_tests.h"

namespace drydock::ddi {
namespace {

using Print = MSABI int (*)(char*, const char*, ...);
using PrintUpTo = MSABI int (*)(char*, std::uint64_t, const char*, ...);


template <class... A>
std::string printed(const char* format, A... arguments) {
  KernelForTests kernel;
  std::string result;
  kernel.run([&] {
    char pattern[64] = {}, buffer[256];
    std::strncpy(pattern, format, sizeof pattern - 1);
    const int length = export_named<Print>("ntoskrnl.exe", "sprintf")(buffer, pattern, arguments...);
    result = buffer;
    EXPECT_EQ(length, static_cast<int>(result.size()));
  });
  EXPECT_TRUE(kernel.findings.empty()) << kernel.findings.front();
  return result;
}

TEST(Format, NumbersAsMicrosoftsKernelPrintsThem) {
  EXPECT_EQ(printed("%d %i %u", -5, 7, 4000000000u), "-5 7 4000000000");
  EXPECT_EQ(printed("%05d|%-5d|%5d|%+d|% d", -42, 42, 42, 42, 42), "-0042|42   |   42|+42| 42");
  EXPECT_EQ(printed("%.3d|%06.3d|%.0d", 7, 7, 0), "007|   007|");
  EXPECT_EQ(printed("%x %X %#x %#x %o", 0xabcu, 0xabcu, 0xabcu, 0u, 8u), "abc ABC 0xabc 0 10");
  EXPECT_EQ(printed("%08lx", 0x1'0000'00ffull), "000000ff");  // long is 32 bits wide
  EXPECT_EQ(printed("%I64x %I64d %llu %I32x", 0x123456789ABCDEFull, -1ll, ~0ull, 0x1'0000'0001ull), "123456789abcdef -1 18446744073709551615 1");
  EXPECT_EQ(printed("%hx %hhd %Ix", 0x12345, 0x1FF, 0x123456789ull), "2345 -1 123456789");
  EXPECT_EQ(printed("%p", reinterpret_cast<void*>(0xABCDEFull)), "0000000000ABCDEF");
}

TEST(Format, AStarTakesWidthAndPrecisionFromTheArguments) {
  EXPECT_EQ(printed("%*d|%*d|%.*d", 5, 1, -5, 2, 3, 4), "    1|2    |004");
  EXPECT_EQ(printed("%.*d", -1, 4), "4");
}

TEST(Format, PercentsAndWhatIsNoConversionStay) {
  EXPECT_EQ(printed("100%% %q", 1), "100% %q");
  EXPECT_EQ(printed("ends with %"), "ends with ");
}

TEST(Format, TextsOfEitherWidthCountedOnesAndPrecision) {
  KernelForTests kernel;
  kernel.run([&] {
    const auto print = export_named<Print>("ntoskrnl.exe", "sprintf");
    char buffer[128], narrow[] = "narrow", pattern[] = "%s|%.3s|%8s|%-8s|%ws|%S|%hs|%c%C|%wZ|%Z|%s";
    char16_t wide[] = u"wide";
    struct { USHORT length, maximum; void* buffer; } unicode{4, 10, wide}, ansi{2, 7, narrow};
    print(buffer, pattern, narrow, narrow, narrow, narrow, wide, wide, narrow, 'x', u'y', &unicode, &ansi, nullptr);
    EXPECT_STREQ(buffer, "narrow|nar|  narrow|narrow  |wide|wide|narrow|xy|wi|na|(null)");
  });
  EXPECT_TRUE(kernel.findings.empty()) << kernel.findings.front();
}

TEST(Format, ABadPointerIsAFindingAndAnEmptyText) {
  KernelForTests kernel;
  kernel.run([&] {
    char buffer[32], pattern[] = "<%s><%wZ>";
    export_named<Print>("ntoskrnl.exe", "sprintf")(buffer, pattern, reinterpret_cast<char*>(0x10), reinterpret_cast<void*>(0x20));
    EXPECT_STREQ(buffer, "<><(null)>");
  });
  EXPECT_EQ(kernel.findings.size(), 2u);
}

TEST(Format, ABoundedPrintCutsOffAnswersMinusOneAndTerminatesOnlyWhereThereIsRoom) {
  KernelForTests kernel;
  kernel.run([&] {
    const auto print = export_named<PrintUpTo>("ntoskrnl.exe", "_snprintf");
    char buffer[8] = "#######", pattern[] = "%d";
    EXPECT_EQ(print(buffer, 4, pattern, 123), 3);
    EXPECT_STREQ(buffer, "123");
    EXPECT_EQ(print(buffer, 4, pattern, 4567), 4);
    EXPECT_EQ(std::string(buffer, 7), "4567###");
    EXPECT_EQ(print(buffer, 4, pattern, 56789), -1);
    EXPECT_EQ(std::string(buffer, 7), "5678###");
    EXPECT_EQ(print(nullptr, 0, pattern, 56789), 5);
  });
  EXPECT_TRUE(kernel.findings.empty());
}

TEST(Format, InAWideFormatPlainTextsAreWide) {
  KernelForTests kernel;
  kernel.run([&] {
    using Wide = MSABI int (*)(char16_t*, const char16_t*, ...);
    char16_t buffer[32], pattern[] = u"%s %S %d", wide[] = u"wide";
    char narrow[] = "narrow";
    EXPECT_EQ(export_named<Wide>("ntoskrnl.exe", "swprintf")(buffer, pattern, wide, narrow, 7), 13);
    EXPECT_EQ(std::u16string(buffer), u"wide narrow 7");
  });
}

}  // namespace
}  // namespace drydock::ddi
