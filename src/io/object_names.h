#pragma once
// ObjectNames: the part of the object manager's name space that drivers use: devices under \Device (or anywhere), symbolic
// links under \DosDevices, which is also \?? and \GLOBAL??. Case does not count.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "abi/wdk.h"

namespace drydock {

class ObjectNames {
 public:
  static constexpr unsigned kLinksMax = 32;  ///< links that lead to links

  /// STATUS_OBJECT_NAME_COLLISION when the name is taken, STATUS_OBJECT_NAME_INVALID when it is none.
  NTSTATUS add_device(std::u16string_view name, DEVICE_OBJECT* device);
  void remove_device(std::u16string_view name) { devices_.erase(folded(name)); }
  NTSTATUS add_link(std::u16string_view name, std::u16string_view target);
  /// STATUS_OBJECT_NAME_NOT_FOUND when there is none.
  NTSTATUS remove_link(std::u16string_view name);

  struct Found {
    DEVICE_OBJECT* device = nullptr;
    std::u16string rest;  ///< what follows the device's name: "\file"
  };
  /// Follows links. No device: the name leads nowhere.
  Found find(std::u16string_view name) const;
  /// A Win32 path such as "\\.\Name", or a name of the object manager, as the latter.
  static std::u16string of_win32(std::string_view path);

 private:
  static std::u16string folded(std::u16string_view name);
  std::map<std::u16string, DEVICE_OBJECT*> devices_;
  std::map<std::u16string, std::u16string> links_;
};

std::u16string_view view_of(const UNICODE_STRING& text);
std::string narrow(std::u16string_view text);

}  // namespace drydock
