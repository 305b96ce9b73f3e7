// SPDX-License-Identifier: MIT
// What tests of a queue over the fake kernel begin with.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <farewell/nfq/queue.hpp>
#include <farewell/nfq/testing.hpp>
#include <utility>

namespace farewell::nfq {

inline void arrive(FakeKernel& kernel, std::uint32_t packets) {
    for (std::uint32_t i = 0; i < packets; ++i) {
        kernel.arrive({.payload = FakeKernel::Bytes(20)});
    }
}

inline Queue open(FakeKernel& kernel, const QueueConfig& config = {}) {
    auto queue = kernel.open(config);
    EXPECT_TRUE(queue);
    return std::move(*queue);
}

}  // namespace farewell::nfq
