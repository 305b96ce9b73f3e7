// SPDX-License-Identifier: GPL-2.0-or-later
// What each method of the control socket does: checks the parameters on the control thread, does the rest as
// a task of the engine thread, answers from there; what the history knows is added by the recorder's.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "daemon/allow_methods.hpp"
#include "daemon/control_server.hpp"
#include "daemon/documents.hpp"
#include "daemon/engine_loop.hpp"
#include "history/recorder.hpp"

namespace farewell::daemon {

class ControlMethods {
 public:
    /// `facts` gives what is outside the engine; called on the engine thread.
    /// `reload` re-reads the configuration; called on the control thread; returns the mistakes, none if it is
    /// in force.
    using Facts = std::function<StatusFacts()>;
    using Reload = std::function<std::vector<std::string>()>;
    /// What an address sent lately that did not count; any thread.
    using Disregarded = std::function<std::vector<source::DisregardedPacket>(const core::Address&)>;
    /// `history`: nullptr where it is off. `allow` outlives this.
    ControlMethods(EngineLoop& loop, Facts facts, Reload reload, Disregarded disregarded, AllowMethods& allow,
                   history::Recorder* history);

    void handle(const nlohmann::json& request, ControlServer::Answer answer);

    /// More than this is cut off in a list; the document says how many there are in all.
    static constexpr std::size_t kBansListedMax = 10'000;
    static constexpr std::size_t kEventsListedMax = 10'000;
    static constexpr std::size_t kSourcesListedMax = 1000;
    static constexpr std::size_t kSourcesListedDefault = 20;

 private:
    using Parameters = nlohmann::json;
    void status(ControlServer::Answer answer);
    void metrics(ControlServer::Answer answer);
    void list_bans(ControlServer::Answer answer);
    void get_ban(const Parameters& parameters, ControlServer::Answer answer);
    void add_ban(const Parameters& parameters, ControlServer::Answer answer);
    void remove_ban(const Parameters& parameters, ControlServer::Answer answer);
    void remove_all_bans(ControlServer::Answer answer);
    void explain(const Parameters& parameters, ControlServer::Answer answer);
    void list_events(const Parameters& parameters, ControlServer::Answer answer);
    void top_sources(const Parameters& parameters, ControlServer::Answer answer);
    void reload(ControlServer::Answer answer);

    EngineLoop& loop_;
    Facts facts_;
    Reload reload_;
    Disregarded disregarded_;
    AllowMethods& allow_;
    history::Recorder* history_;
};

}  // namespace farewell::daemon
