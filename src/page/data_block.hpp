// SPDX-License-Identifier: GPL-2.0-or-later
// What the page's script draws from, as compact JSON; web/report/src/data.js reads it. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "page/document.hpp"

namespace farewell::page {

[[nodiscard]] nlohmann::json data_block(const Document& document);

}  // namespace farewell::page
