// SPDX-License-Identifier: GPL-2.0-or-later
// What the core wants done, as values. Carrying it out is the enforcer's; its outcome comes back
// to the engine as one more input.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/address.hpp"
#include "core/time.hpp"

namespace farewell::core {

enum class BanReason : std::uint8_t {
    port_scan,    ///< the threshold of distinct closed ports was reached
    by_operator,  ///< typed by a person
};
[[nodiscard]] std::string_view name_of(BanReason reason);

/// Keep everything from this source out until `until`.
struct Ban {
    Address source;
    Time until;
    BanReason reason = BanReason::port_scan;
};

enum class UnbanReason : std::uint8_t {
    expired,      ///< its time is over; the kernel's timeout has already let the source in
    by_operator,  ///< a person said so
    allowlisted,  ///< the source was put on the allowlist
};
[[nodiscard]] std::string_view name_of(UnbanReason reason);

struct Unban {
    Address source;
    UnbanReason reason = UnbanReason::expired;
};

}  // namespace farewell::core
