// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/bulk_methods.hpp"

#include <future>
#include <nlohmann/json.hpp>

#include "daemon/engine_loop_world.hpp"
#include "report/address_text.hpp"

namespace farewell::daemon {
namespace {

using nlohmann::json;

using BulkMethodsTest = EngineLoopTest;

TEST_F(BulkMethodsTest, ALongListIsBannedInParts) {
    constexpr std::uint32_t kBans = 1'100;
    json bans = json::array();
    for (std::uint32_t who = 1; who <= kBans; ++who) {
        bans.push_back({{"source", report::to_text(alone(who))}, {"seconds", 3600U}});
    }
    std::promise<json> answer;
    add_bans(*loop, {{"bans", std::move(bans)}}, [&](json given) { answer.set_value(std::move(given)); });
    const json result = answer.get_future().get().at("parameters");
    EXPECT_EQ(result.at("banned"), kBans);
    EXPECT_EQ(ask([this](EngineLoop&) { return kernel->held.size(); }), kBans);
    EXPECT_LE(ask([this](EngineLoop&) { return kernel->banned_at_once; }), kBans / 4)
        << "nobody else would get to work meanwhile";
}

TEST_F(BulkMethodsTest, ALongListIsAnsweredAlsoAtTheEnd) {
    thread = {};
    json bans = json::array();
    for (std::uint32_t who = 1; who <= 600; ++who) {
        bans.push_back({{"source", report::to_text(alone(who))}});
    }
    std::size_t banned = 0;
    add_bans(*loop, {{"bans", std::move(bans)}},
             [&](const json& given) { banned = given.at("parameters").at("banned"); });
    std::stop_source stop;
    stop.request_stop();
    loop->run(stop.get_token());
    EXPECT_EQ(banned, 600U);
}

TEST_F(BulkMethodsTest, AListOfNobodyIsAnswered) {
    std::promise<json> answer;
    add_bans(*loop, {{"bans", json::array()}}, [&](json given) { answer.set_value(std::move(given)); });
    EXPECT_EQ(answer.get_future().get().at("parameters").at("banned"), 0);
}

}  // namespace
}  // namespace farewell::daemon
