// SPDX-License-Identifier: GPL-2.0-or-later
// What a configuration wants to have in the kernel.
#pragma once

#include <optional>

#include "config/config.hpp"
#include "nft/table_text.hpp"

namespace farewell::config {

/// nullopt: nothing at all, because farewell only observes and needs no trap for that.
[[nodiscard]] std::optional<nft::TableContent> table_content(const Config& config);

}  // namespace farewell::config
