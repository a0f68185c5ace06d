#pragma once
// What ntddk.h adds to the structures of abi/wdk.h: remove locks, cancel-safe queues.

#include "abi/wdk.h"

extern "C" {
#include "wdk/ntddk.h"
}
