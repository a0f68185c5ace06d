#include "io/object_names.h"

#include <gtest/gtest.h>

namespace drydock {

class Names : public testing::Test {
 protected:
  ObjectNames names;
  DEVICE_OBJECT one{}, two{};
};

TEST_F(Names, a_device_is_found_whatever_the_case) {
  ASSERT_EQ(names.add_device(u"\\Device\\RamDisk0", &one), STATUS_SUCCESS);
  EXPECT_EQ(names.find(u"\\DEVICE\\ramdisk0").device, &one);
  EXPECT_EQ(names.find(u"\\Device\\RamDisk").device, nullptr);
}

TEST_F(Names, a_link_in_any_spelling_of_dosdevices_leads_to_its_device) {
  names.add_device(u"\\Device\\A", &one);
  ASSERT_EQ(names.add_link(u"\\DosDevices\\X:", u"\\Device\\A"), STATUS_SUCCESS);
  EXPECT_EQ(names.find(u"\\??\\x:").device, &one);
  EXPECT_EQ(names.find(u"\\GLOBAL??\\X:").device, &one);
  EXPECT_EQ(names.find(ObjectNames::of_win32("\\\\.\\X:")).device, &one);
}

TEST_F(Names, what_follows_the_devices_name_is_the_files) {
  names.add_device(u"\\Device\\A", &one);
  names.add_link(u"\\??\\X:", u"\\Device\\A");
  EXPECT_EQ(names.find(u"\\??\\X:\\dir\\file").rest, u"\\dir\\file");
  EXPECT_EQ(names.find(u"\\Device\\AB").device, nullptr);
}

TEST_F(Names, a_taken_name_is_refused_and_links_that_go_in_circles_lead_nowhere) {
  names.add_device(u"\\Device\\A", &one);
  EXPECT_EQ(names.add_device(u"\\device\\a", &two), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(names.add_link(u"\\Device\\A", u"\\Device\\B"), STATUS_OBJECT_NAME_COLLISION);
  EXPECT_EQ(names.add_device(u"NoSlash", &two), STATUS_OBJECT_NAME_INVALID);
  names.add_link(u"\\??\\P", u"\\??\\Q");
  names.add_link(u"\\??\\Q", u"\\??\\P");
  EXPECT_EQ(names.find(u"\\??\\P").device, nullptr);
}

TEST_F(Names, a_removed_name_is_free_again) {
  names.add_device(u"\\Device\\A", &one);
  names.add_link(u"\\??\\L", u"\\Device\\A");
  EXPECT_EQ(names.remove_link(u"\\DosDevices\\l"), STATUS_SUCCESS);
  EXPECT_EQ(names.remove_link(u"\\DosDevices\\l"), STATUS_OBJECT_NAME_NOT_FOUND);
  names.remove_device(u"\\Device\\A");
  EXPECT_EQ(names.add_device(u"\\Device\\A", &two), STATUS_SUCCESS);
}

}  // namespace drydock
