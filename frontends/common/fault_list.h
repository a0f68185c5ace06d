#pragma once
// What can go wrong on purpose, for people to read: --fault list, fault=list.

#include <drydock/faults.h>

#include <span>
#include <string>

namespace drydock {

std::string fault_list(std::span<const FaultType> types);

}  // namespace drydock
