-- Health of an Account for Argo CD: resource.customizations.health.workspace-operator.dev_Account
local health = { status = "Progressing", message = "The operator has not looked at this generation yet." }
local status = obj.status
if status == nil or status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return health
end
local by_type = {}
for _, condition in ipairs(status.conditions) do
  by_type[condition.type] = condition
end
local ready = by_type["Ready"]
if ready == nil then
  return health
end
health.message = ready.message
if ready.status == "True" then
  health.status = "Healthy"
elseif by_type["Stalled"] ~= nil then
  health.status = "Degraded"
end
return health
